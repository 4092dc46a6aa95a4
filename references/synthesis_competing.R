# Multinomial counts with one normal factor a cohort, by R's optim and a fixed trapezoid of 4,001 points (no adaptive rule).
# Cohorts made up for a check, never evidence; the last set has no loadings to find (equal shares).
# Usage: Rscript references/synthesis_competing.R > src/nextarm/validation/expected/synthesis_competing.json
suppressMessages({library(jsonlite)})
sets <- list(
  six_cohorts = list(n = c(60, 44, 120, 33, 81, 52), relapse = c(30, 12, 61, 9, 22, 30), TRM = c(3, 6, 5, 4, 11, 2), any = c(34, 19, 70, 13, 35, 33)),
  rare_cause = list(n = c(40, 55, 70, 25, 90), relapse = c(22, 18, 40, 5, 45), TRM = c(0, 2, 0, 1, 1), any = c(22, 20, 40, 6, 46))
)
z <- seq(-10, 10, length.out = 4001); lw <- dnorm(z, log = TRUE) + log(z[2] - z[1])
fit <- function(d) {
  other <- d$any - d$relapse - d$TRM
  x <- cbind(d$n - d$any, d$relapse, d$TRM); if (sum(other) > 0) x <- cbind(x, other)
  C <- ncol(x) - 1
  minus <- function(b) {
    e <- exp(outer(z, b[C + 1:C]) + rep(b[1:C], each = length(z))); p <- cbind(1, e) / (1 + rowSums(e)); lp <- log(p)
    -sum(apply(x, 1, function(r) { l <- lp %*% r + lw + lgamma(sum(r) + 1) - sum(lgamma(r + 1)); max(l) + log(sum(exp(l - max(l)))) }))
  }
  start <- log(colSums(x)[-1] / sum(x[, 1]))
  tops <- lapply(c(1, -1), function(s) {
    b <- optim(c(start, .3, .3 * s, if (C > 2) .3), minus, control = list(maxit = 20000, reltol = 1e-15))
    for (i in 1:5) b <- optim(b$par, minus, method = "BFGS", control = list(maxit = 500, reltol = 1e-16, ndeps = rep(1e-5, 2 * C)))
    b })
  b <- tops[[which.min(sapply(tops, function(t) t$value))]]
  V <- solve(optimHess(b$par, minus, control = list(ndeps = rep(1e-3, 2 * C))))
  list(mu = b$par[1:C], size = abs(b$par[C + 1:C]), se = sqrt(diag(V))[1:C], log_likelihood = -b$value)
}
out <- lapply(sets, function(d) c(d, list(fit = fit(d))))
cat(toJSON(list(made_with = list(R = R.version.string), sets = out), digits = NA, auto_unbox = TRUE, pretty = TRUE))
