# Freezes, in base R and metafor, what the borrowing room computes for rates, covariates, cure fractions and borrowed arms:
# - predictive priors of Poisson studies by Gauss-Hermite over each study's own effect, an even grid in the mean and
#   Gauss-Legendre in tau: sums in real space, where the program works in Fourier space;
# - normal priors with a covariate and two taus, and mixture-cure priors: sums over an even grid of the taus;
# - their limits at tau = 0 by metafor (fixed-effect regression, multivariate model);
# - normalised power priors with the normalising constant by integrate(), without conjugacy;
# - commensurate priors by sums over an even grid of both parameters and tau.
# Usage: Rscript references/borrowing_priors.R > src/nextarm/validation/expected/borrowing_priors.json
suppressMessages({library(metafor); library(jsonlite)})
gauss <- function(n, off, scale) {
  m <- matrix(0, n, n); k <- seq_len(n - 1); m[cbind(k, k + 1)] <- m[cbind(k + 1, k)] <- off(k)
  e <- eigen(m, symmetric = TRUE); list(nodes = rev(e$values), weights = rev(e$vectors[1, ]^2) * scale)
}
gh <- gauss(200, function(k) sqrt(k), 1)
gl <- gauss(60, function(k) k / sqrt(4 * k^2 - 1), 2)

poisson_map <- function(d, t, scale, m, s, range, points = 801) {
  x <- (gl$nodes + 1) / 2; top <- 8 * scale; tau <- top * x^2; tau_w <- gl$weights * top * x * 2 * dnorm(tau, 0, scale)
  mu <- seq(range[1], range[2], length.out = points); h <- mu[2] - mu[1]
  l <- sapply(tau, function(u) {
    theta <- outer(mu, u * gh$nodes, "+")
    dnorm(mu, m, s, log = TRUE) + rowSums(sapply(seq_along(d), function(j)
      log(exp(d[j] * (theta + log(t[j])) - t[j] * exp(theta) - lgamma(d[j] + 1)) %*% gh$weights)))
  })
  f <- exp(l - max(l)); by_tau <- colSums(f) * tau_w; by_tau <- by_tau / sum(by_tau)
  given <- sweep(f, 2, colSums(f) * h, "/"); by_mu <- as.vector(given %*% by_tau) * h
  cdf <- function(v) sum(by_tau * sapply(seq_along(tau), function(i) sum(given[, i] * h * pnorm((v - mu) / tau[i]))))
  mean_mu <- sum(by_mu * mu)
  list(events = d, years = t, mu_mean = mean_mu, mu_sd = sqrt(sum(by_mu * mu^2) - mean_mu^2), tau_mean = sum(by_tau * tau),
       tau_sd = sqrt(sum(by_tau * tau^2) - sum(by_tau * tau)^2),
       quantiles = sapply(c(.025, .5, .975), function(q) exp(uniroot(function(v) cdf(v) - q, c(-20, 8), tol = 1e-11)$root)))
}

# normal studies with a covariate and a tau for each of two strata: even sums over both taus
y <- c(-1.2, -1.0, -0.7, -0.9, -0.4); e <- c(.25, .2, .3, .15, .2); x <- c(-2, -1.5, -1, -.4, 0); g <- c(1, 1, 1, 2, 2)
strata <- function(scales, n = 900) {
  ts <- lapply(scales, function(s) (seq_len(n) - .5) / n * 7 * s)
  acc <- 0; out <- 0
  for (a in ts[[1]]) {
    b <- ts[[2]]
    w <- cbind(1 / (e[1]^2 + a^2), 1 / (e[2]^2 + a^2), 1 / (e[3]^2 + a^2), outer(b, e[4:5], function(b, e) 1 / (e^2 + b^2))[, 1:2])
    w <- matrix(as.vector(cbind(rep(w[1, 1], n), rep(w[1, 2], n), rep(w[1, 3], n), w[, 4], w[, 5])), n)
    s0 <- rowSums(w); s1 <- w %*% x; s2 <- w %*% x^2; t0 <- w %*% y; t1 <- w %*% (x * y)
    det <- s0 * s2 - s1^2; b0 <- (s2 * t0 - s1 * t1) / det; b1 <- (s0 * t1 - s1 * t0) / det
    q <- sapply(seq_len(n), function(i) sum(w[i, ] * (y - b0[i] - b1[i] * x)^2))
    lw <- exp(.5 * rowSums(log(w)) - .5 * log(det) - .5 * q) * dnorm(a, 0, scales[1]) * dnorm(b, 0, scales[2])
    v <- s2 / det                                                     # the next study stands at x = 0, in stratum 2
    acc <- acc + sum(lw); out <- out + colSums(cbind(b0, b0^2 + v + b^2, a, b, b1) * as.vector(lw))
  }
  out <- out / acc
  list(theta_mean = out[1], theta_sd = sqrt(out[2] - out[1]^2), tau_1 = out[3], tau_2 = out[4], slope = out[5])
}

# mixture-cure studies: three parameters, one tau for the cure fraction, one for both latency parameters
Y <- rbind(c(.2, .3, -.1), c(-.4, .1, .2), c(.5, .4, 0)); V <- lapply(c(1, 1.5, .8), function(f) f * matrix(c(.09, .01, .005, .01, .05, .02, .005, .02, .04), 3))
cure <- function(scale_cure, scale_latency, n = 500) {
  one <- function(a, b) {
    W <- lapply(V, function(v) solve(v + diag(c(a, b, b)^2))); P <- Reduce("+", W); C <- solve(P)
    r <- Reduce("+", Map(function(w, i) w %*% Y[i, ], W, 1:3)); m <- C %*% r
    q <- sum(mapply(function(w, i) t(Y[i, ]) %*% w %*% Y[i, ], W, 1:3)) - sum(r * m)
    ld <- sum(sapply(W, function(w) determinant(w)$modulus)) - determinant(P)$modulus
    c(exp(.5 * ld - .5 * q), m, diag(C) + c(a, b, b)^2)
  }
  A <- (seq_len(n) - .5) / n * 7 * scale_cure; B <- if (scale_latency > 0) (seq_len(200) - .5) / 200 * 7 * scale_latency else 0
  acc <- 0; out <- 0
  for (a in A) for (b in B) {
    z <- one(a, b); w <- z[1] * dnorm(a, 0, scale_cure) * if (scale_latency > 0) dnorm(b, 0, scale_latency) else 1
    acc <- acc + w; out <- out + w * c(z[2:4], z[2:4]^2 + z[5:7], a, b)
  }
  out <- out / acc
  list(means = out[1:3], sds = sqrt(out[4:6] - out[1:3]^2), tau_cure = out[7], tau_latency = out[8])
}
fe <- rma(y, sei = e, mods = ~x, method = "FE")
pred <- predict(fe, newmods = 0)
mv <- rma.mv(as.vector(t(Y)), V = as.matrix(do.call(bldiag, V)), mods = ~ factor(rep(1:3, 3)) - 1)

# normalised power priors, a0 uniform: nothing conjugate is used
npp <- function(loglik0, loglik, prior, lo, hi) {
  at <- (gl$nodes + 1) / 2; w <- gl$weights / 2
  int <- function(f) integrate(Vectorize(f), lo, hi, rel.tol = 1e-11, subdivisions = 2000, stop.on.error = FALSE)$value
  m <- t(sapply(at, function(a) {
    c0 <- int(function(p) exp(a * loglik0(p)) * prior(p))
    c(int(function(p) exp(a * loglik0(p) + loglik(p)) * prior(p)), int(function(p) p * exp(a * loglik0(p) + loglik(p)) * prior(p))) / c0
  }))
  list(a0 = sum(w * at * m[, 1]) / sum(w * m[, 1]), mean = sum(w * m[, 2]) / sum(w * m[, 1]))
}
npp_binary <- npp(function(p) dbinom(40, 100, p, log = TRUE) - dbinom(40, 100, .4, log = TRUE), function(p) dbinom(12, 20, p, log = TRUE), function(p) 1, 1e-9, 1 - 1e-9)
npp_rate <- npp(function(r) 40 * log(r / .4) - 100 * (r - .4), function(r) 9 * log(r / .6) - 15 * (r - .6), function(r) dgamma(r, 2, 4), 1e-9, 6)

# commensurate priors: even sums over theta and theta0 on the working scale, tau by Gauss-Legendre
commensurate <- function(log0, log1, theta, scale) {
  x <- (gl$nodes + 1) / 2; tau <- 8 * scale * x^2; w <- gl$weights * 8 * scale * x * 2 * dnorm(tau, 0, scale)
  h <- theta[2] - theta[1]; p0 <- exp(log0(theta) - max(log0(theta))); p0 <- p0 / sum(p0); like <- exp(log1(theta) - max(log1(theta)))
  acc <- 0; out <- 0
  for (i in seq_along(tau)) {
    # below the spacing of the grid the step is smaller than the history's own spread: its first two moments are enough
    prior <- if (tau[i] < 1.2 * h) { d2 <- c(0, diff(p0, differences = 2), 0); p0 + d2 * (tau[i] / h)^2 / 2 } else as.vector(outer(theta, theta, function(a, b) dnorm(a, b, tau[i])) %*% p0 * h)
    f <- prior * like * w[i]; acc <- acc + sum(f); out <- out + c(sum(f * theta), sum(f * theta^2), sum(f) * tau[i])
  }
  out <- out / acc
  list(theta_mean = out[1], theta_sd = sqrt(out[2] - out[1]^2), tau = out[3])
}
th <- seq(-3, 3, length.out = 1201)
com_binary <- commensurate(function(t) 41 * plogis(t, log.p = TRUE) + 61 * plogis(-t, log.p = TRUE), function(t) 12 * plogis(t, log.p = TRUE) + 8 * plogis(-t, log.p = TRUE), th, .5)
tl <- seq(-3.5, 2, length.out = 1201)
com_rate <- commensurate(function(t) 40.5 * t - 100.5 * exp(t), function(t) 9 * t - 15 * exp(t), tl, .5)

cat(toJSON(list(
  made_with = list(R = R.version.string, metafor = as.character(packageVersion("metafor"))),
  poisson = list(
    three = poisson_map(c(8, 3, 12), c(40, 22, 51.5), .5, 0, 3, c(-9, 6), 1601),
    with_zero = poisson_map(c(0, 5, 3), c(40, 22, 30), .5, 0, 3, c(-12, 7), 1601),
    one = poisson_map(7, 25, .3, 0, 3, c(-8, 6), 1601)),
  strata = strata(c(1, .25)),
  cure = list(common = cure(.5, 0, 4000), one_tau = cure(.5, .25)),
  metafor_regression = list(mean = as.numeric(pred$pred), se = pred$se),
  metafor_cure = list(means = as.numeric(coef(mv)), sds = as.numeric(mv$se)),
  npp = list(binary = npp_binary, rate = npp_rate),
  commensurate = list(binary = com_binary, rate = com_rate)), auto_unbox = TRUE, digits = NA, pretty = TRUE))
