# Freezes, in base R and metafor, what the borrowing room computes by its own quadrature:
# - predictive priors of binomial studies by Gauss-Hermite over each study's own effect, an even grid in the mean,
#   Gauss-Legendre in tau: sums in real space, where the program works in Fourier space;
# - predictive priors of normal studies: one integration over tau, the mean integrated analytically;
# - beta, normal and gamma mixtures: quantiles, posterior weights, effective sample sizes from numerical derivatives;
# - ratios of cumulative hazards between two landmark estimates: metafor's fixed-effect contrast of two arms.
# Usage: Rscript references/borrowing.R > src/nextarm/validation/expected/borrowing.json
suppressMessages({library(metafor); library(jsonlite)})

# ---- binomial history ------------------------------------------------------------------------------------------------
# Gauss rules from the eigenvalues of the recurrence (Golub & Welsch 1969)
gauss <- function(n, off, scale) {
  m <- matrix(0, n, n); k <- seq_len(n - 1); m[cbind(k, k + 1)] <- m[cbind(k + 1, k)] <- off(k)
  e <- eigen(m, symmetric = TRUE); list(nodes = rev(e$values), weights = rev(e$vectors[1, ]^2) * scale)
}
gh <- gauss(260, function(k) sqrt(k), 1)                              # against the standard normal
gl <- gauss(80, function(k) k / sqrt(4 * k^2 - 1), 2)                # on (-1, 1)
binomial_map <- function(r, n, tau_density, tau_max, mu_range, m = 0, s = 2, points = 601) {
  x <- (gl$nodes + 1) / 2; tau <- tau_max * x^2; tau_w <- gl$weights / 2 * 2 * tau_max * x  # squared: finer near 0
  mu <- seq(mu_range[1], mu_range[2], length.out = points); h <- mu[2] - mu[1]
  l <- sapply(tau, function(t) {
    theta <- outer(mu, t * gh$nodes, "+")
    one <- function(j) log(exp(r[j] * plogis(theta, log.p = TRUE) + (n[j] - r[j]) * plogis(-theta, log.p = TRUE) + lchoose(n[j], r[j])) %*% gh$weights)
    dnorm(mu, m, s, log = TRUE) + rowSums(sapply(seq_along(r), one))
  })
  f <- exp(l - max(l))                                                # points x taus
  by_tau <- colSums(f) * tau_w * tau_density(tau); by_tau <- by_tau / sum(by_tau)
  given <- sweep(f, 2, colSums(f) * h, "/")                           # density of mu at each tau
  by_mu <- as.vector(given %*% by_tau) * h
  cumulative <- lapply(seq_along(tau), function(i) splinefun(mu, pmin(1, cumsum(given[, i]) * h - given[, i] * h / 2), method = "fmm"))
  below <- function(i, v) ifelse(v <= mu_range[1], 0, ifelse(v >= mu_range[2], 1, cumulative[[i]](pmin(pmax(v, mu_range[1]), mu_range[2]))))
  cdf <- function(p) sum(by_tau * sapply(seq_along(tau), function(i) sum(gh$weights * below(i, qlogis(p) - tau[i] * gh$nodes))))
  moment <- function(k) sum(by_tau * sapply(seq_along(tau), function(i) sum(given[, i] * h * (plogis(outer(mu, tau[i] * gh$nodes, "+"))^k %*% gh$weights))))
  mean <- moment(1)
  list(r = r, n = n, mean = mean, sd = sqrt(moment(2) - mean^2),
       mu_mean = sum(by_mu * mu), mu_sd = sqrt(sum(by_mu * mu^2) - sum(by_mu * mu)^2),
       tau_mean = sum(by_tau * tau), tau_sd = sqrt(sum(by_tau * tau^2) - sum(by_tau * tau)^2),
       quantiles = sapply(c(.025, .5, .975), function(q) uniroot(function(p) cdf(p) - q, c(1e-6, 1 - 1e-6), tol = 1e-11)$root))
}
half_normal <- function(s) function(t) 2 * dnorm(t, 0, s)
half_cauchy <- function(s) function(t) 2 * dcauchy(t, 0, s)
as_r <- c(23, 12, 19, 9, 39, 6, 9, 10); as_n <- c(107, 44, 51, 39, 139, 20, 78, 35)
binomial <- list(
  as_half_normal = binomial_map(as_r, as_n, half_normal(1), 8, c(-6, 4), points = 401),
  as_uniform = binomial_map(as_r, as_n, function(t) rep(1 / 2, length(t)), 2, c(-4, 2), points = 401),
  zero_events = binomial_map(c(0, 0, 1), c(20, 30, 25), half_normal(1), 8, c(-16, 8), points = 801),
  all_events = binomial_map(c(12, 9, 14), c(12, 10, 15), half_normal(.5), 4, c(-6, 14)),
  one_study = binomial_map(25, 30, half_normal(.5), 4, c(-8, 10))
)

# ---- normal history --------------------------------------------------------------------------------------------------
normal_map <- function(y, se, tau_density, flat = TRUE, m = 0, s = 2, upper = Inf) {
  parts <- function(t) {
    w <- 1 / (se^2 + t^2); p <- sum(w) + if (flat) 0 else 1 / s^2
    mu <- (sum(w * y) + if (flat) 0 else m / s^2) / p
    l <- .5 * sum(log(w)) - .5 * log(p) - .5 * sum(w * (y - mu)^2) - if (flat) 0 else .5 * ((mu - m) / s)^2
    c(l = l, mu = mu, v = 1 / p)
  }
  top <- max(sapply(seq(0, 3 * max(se), length.out = 200), function(t) parts(t)["l"]))
  over <- function(f) integrate(function(t) sapply(t, function(u) {q <- parts(u); f(u, q) * exp(q["l"] - top) * tau_density(u)}),
                                0, upper, rel.tol = 1e-10, subdivisions = 5000, stop.on.error = FALSE)$value
  total <- over(function(u, q) 1)
  tau_mean <- over(function(u, q) u) / total
  mu_mean <- over(function(u, q) q["mu"]) / total
  tau_2 <- over(function(u, q) u^2) / total
  mu_2 <- over(function(u, q) q["mu"]^2 + q["v"]) / total
  cdf <- function(x) over(function(u, q) pnorm(x, q["mu"], sqrt(q["v"] + u^2))) / total
  reach <- 40 * sqrt(mu_2 - mu_mean^2 + tau_2)
  list(y = y, se = se, mu_mean = mu_mean, mu_sd = sqrt(mu_2 - mu_mean^2), tau_mean = tau_mean, tau_sd = sqrt(tau_2 - tau_mean^2),
       theta_sd = sqrt(mu_2 - mu_mean^2 + tau_2),
       quantiles = sapply(c(.025, .5, .975), function(q) uniroot(function(x) cdf(x) - q, mu_mean + c(-reach, reach), tol = 1e-10)$root))
}
as_y <- log(as_r / (as_n - as_r)); as_se <- sqrt(1 / as_r + 1 / (as_n - as_r))
normal <- list(
  as_logit = normal_map(as_y, as_se, half_normal(1), flat = FALSE, upper = 9),
  two_half_cauchy = normal_map(c(-.4, .3), c(.25, .3), half_cauchy(.5), flat = FALSE),
  one_half_normal = normal_map(-1.7, .45, half_normal(.3), upper = 3)
)

# ---- mixtures --------------------------------------------------------------------------------------------------------
mix_quantile <- function(p, cdf, low, high) sapply(p, function(q) uniroot(function(x) cdf(x) - q, c(low, high), tol = 1e-14)$root)
bw <- c(.5, .3, .2); ba <- c(4, 11, 1.5); bb <- c(9, 32, 1.2)
post_w <- bw * exp(lbeta(ba + 7, bb + 18) - lbeta(ba, bb)); post_w <- post_w / sum(post_w)
nw <- c(.6, .25, .15); nm <- c(-.5, .1, 1); ns <- c(.2, .5, 1.2)
npw <- nw * dnorm(-.2, nm, sqrt(ns^2 + .35^2)); npw <- npw / sum(npw)
gw <- c(.7, .3); ga <- c(20, 4); gb <- c(40, 20)
gpw <- gw * dnbinom(6, size = ga, prob = gb / (gb + 15)); gpw <- gpw / sum(gpw)
# expected local information ratio, with the score from its definition and no integration by parts
information <- function(f, x, h) -(log(f(x + h)) - 2 * log(f(x)) + log(f(x - h))) / h^2
beta_density <- function(x) sapply(x, function(v) sum(bw * dbeta(v, ba, bb)))
normal_density <- function(x) sapply(x, function(v) sum(nw * dnorm(v, nm, ns)))
mixtures <- list(
  beta = list(w = bw, a = ba, b = bb,
    quantiles = mix_quantile(c(.025, .5, .975), function(x) sum(bw * pbeta(x, ba, bb)), 0, 1),
    posterior_w = post_w,
    posterior_quantiles = mix_quantile(c(.025, .5, .975), function(x) sum(post_w * pbeta(x, ba + 7, bb + 18)), 0, 1),
    predictive = sapply(0:10, function(r) sum(bw * exp(lchoose(10, r) + lbeta(ba + r, bb + 10 - r) - lbeta(ba, bb))))),
  normal = list(w = nw, m = nm, s = ns,
    quantiles = mix_quantile(c(.025, .5, .975), function(x) sum(nw * pnorm(x, nm, ns)), -20, 20),
    posterior_w = npw,
    posterior_quantiles = mix_quantile(c(.025, .5, .975), function(x) sum(npw * pnorm(x, (nm / ns^2 - .2 / .35^2) / (1 / ns^2 + 1 / .35^2), 1 / sqrt(1 / ns^2 + 1 / .35^2))), -20, 20),
    elir = 4 * integrate(function(x) normal_density(x) * information(normal_density, x, 1e-3), -8, 10, rel.tol = 1e-8, subdivisions = 4000)$value),
  gamma = list(w = gw, a = ga, b = gb,
    quantiles = mix_quantile(c(.025, .5, .975), function(x) sum(gw * pgamma(x, ga, gb)), 0, 20),
    posterior_w = gpw,
    posterior_quantiles = mix_quantile(c(.025, .5, .975), function(x) sum(gpw * pgamma(x, ga + 6, gb + 15)), 0, 20))
)

# ---- two landmark estimates ------------------------------------------------------------------------------------------
# metafor: each arm's log(-log S) with its delta-method variance, arm as moderator; the contrast and its interval
contrast <- function(s1, se1, s0, se0) {
  yi <- log(-log(c(s0, s1))); vi <- (c(se0, se1) / (c(s0, s1) * log(c(s0, s1))))^2
  f <- rma(yi, vi, mods = ~ c(0, 1), method = "FE")
  list(s1 = s1, se1 = se1, s0 = s0, se0 = se0, ratio = exp(f$beta[2]), low = exp(f$ci.lb[2]), high = exp(f$ci.ub[2]), p = f$pval[2])
}
landmarks <- list(better = contrast(.8, .06, .5, .04), worse = contrast(.3, .05, .45, .05), close = contrast(.62, .03, .6, .02))

cat(toJSON(list(
  binomial = binomial, normal = normal, mixtures = mixtures, landmarks = landmarks,
  made_with = list(R = R.version.string, metafor = as.character(packageVersion("metafor")))
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
