# Maximum likelihood of counts by R's own optimisers: binomial-normal (the effect integrated by a fixed trapezoid of 6,001
# points over +-12 standard deviations, no adaptive rule) and beta-binomial (closed form). Counts from metadat data sets with
# none, few and many events. Limits by profile likelihood (uniroot on the profile).
# Usage: Rscript references/synthesis_proportions.R > src/nextarm/validation/expected/synthesis_proportions.json
suppressMessages({library(metadat); library(jsonlite)})

sets <- list(
  pritz1997 = with(dat.pritz1997, list(x = xi, n = ni)),
  debruin2009 = with(dat.debruin2009, list(x = xi, n = ni)),
  nielweise2007_treated = with(dat.nielweise2007, list(x = ai, n = n1i)),
  nielweise2007_control = with(dat.nielweise2007, list(x = ci, n = n2i)),
  hahn2001_treated = with(dat.hahn2001, list(x = ai, n = n1i)),
  axfors2021_control = with(dat.axfors2021[dat.axfors2021$hcq_cq == "hcq", ], list(x = control_arm_event, n = control_arm_total))
)

z <- seq(-12, 12, length.out = 6001)
log_phi <- dnorm(z, log = TRUE) + log(z[2] - z[1])
one <- function(x, n, mu, tau) {
  l <- dbinom(x, n, plogis(mu + tau * z), log = TRUE) + log_phi
  max(l) + log(sum(exp(l - max(l))))
}
normal <- function(d) function(b) sum(mapply(one, d$x, d$n, MoreArgs = list(mu = b[1], tau = exp(b[2]))))
beta <- function(d) function(b) {
  m <- plogis(b[1]); s <- exp(b[2])
  with(d, sum(lchoose(n, x) + lbeta(x + m * s, n - x + (1 - m) * s) - lbeta(m * s, (1 - m) * s)))
}
climb <- function(f, starts) {
  tops <- lapply(starts, function(s) {
    a <- optim(s, f, method = "Nelder-Mead", control = list(fnscale = -1, reltol = 1e-15, maxit = 5000))
    optim(a$par, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-16, ndeps = rep(1e-5, length(s)), maxit = 500))
  })
  tops[[which.max(sapply(tops, function(t) t$value))]]
}
fit <- function(f, start) {
  best <- climb(f, start)
  hessian <- optimHess(best$par, f, control = list(ndeps = c(1e-4, 1e-4)))
  profile <- function(m) optimize(function(s) f(c(m, s)), c(-7, 12), maximum = TRUE, tol = 1e-9)$objective
  floor <- best$value - qchisq(.95, 1) / 2
  end <- function(sign) uniroot(function(r) profile(best$par[1] + sign * r) - floor, c(0, 6), tol = 1e-9)$root
  list(mu = best$par[1], second = best$par[2], log_likelihood = best$value, se = sqrt(solve(-hessian)[1, 1]),
       low = best$par[1] - end(-1), high = best$par[1] + end(1))
}
out <- lapply(sets, function(d) {
  d <- list(x = d$x[!is.na(d$x)], n = d$n[!is.na(d$x)])
  start <- qlogis(sum(d$x) / sum(d$n))
  list(x = d$x, n = d$n,
       normal = fit(normal(d), list(c(start, log(.3)), c(start, log(1.5)))),
       beta = fit(beta(d), list(c(start, 1), c(start, 4))))
})
cat(toJSON(list(made_with = list(R = R.version.string, metadat = as.character(packageVersion("metadat"))), sets = out),
           digits = NA, auto_unbox = TRUE, pretty = TRUE))
