# metafor rma.mv, unstructured and diagonal, REML and ML, tight stopping: bivariate dat.berkey1998 and a trivariate set made
# by this seeded script (numbers made up for a check, never evidence).
# Usage: Rscript references/synthesis_multivariate.R > src/nextarm/validation/expected/synthesis_multivariate.json
suppressMessages({library(metafor); library(metadat); library(jsonlite)})
tight <- list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15, maxit = 5000)
berkey <- local({
  d <- dat.berkey1998
  y <- t(sapply(split(d, d$trial), function(x) x$yi))
  V <- lapply(split(d, d$trial), function(x) as.matrix(x[, c("v1i", "v2i")]))
  list(y = y, V = V)
})
made <- local({
  set.seed(11); k <- 10
  L <- matrix(c(.5, .2, -.1, 0, .3, .1, 0, 0, .2), 3)
  V <- lapply(1:k, function(i) { A <- matrix(rnorm(9, sd = .12), 3); A %*% t(A) + diag(.02, 3) })
  y <- t(sapply(1:k, function(i) c(-.3, .2, -.1) + L %*% rnorm(3) + t(chol(V[[i]])) %*% rnorm(3)))
  list(y = y, V = V)
})
fit <- function(s, struct, method) {
  k <- nrow(s$y); p <- ncol(s$y)
  d <- data.frame(y = as.vector(t(s$y)), trial = rep(1:k, each = p), outcome = factor(rep(1:p, k)))
  V <- as.matrix(Matrix::bdiag(lapply(s$V, unname)))
  f <- rma.mv(y, V, mods = ~ outcome - 1, random = ~ outcome | trial, struct = struct, data = d, method = method, control = tight)
  G <- if (struct == "UN") f$G else diag(f$tau2)
  list(mean = as.numeric(f$beta), covariance = unname(vcov(f)), between = unname(G), log_likelihood = as.numeric(logLik(f)))
}
all <- function(s) list(y = unname(s$y), V = lapply(unname(s$V), unname),
  fits = list(un_reml = fit(s, "UN", "REML"), un_ml = fit(s, "UN", "ML"), diag_reml = fit(s, "DIAG", "REML")))
cat(toJSON(list(made_with = list(R = R.version.string, metafor = as.character(packageVersion("metafor")), metadat = as.character(packageVersion("metadat"))),
                sets = list(berkey1998 = all(berkey), made_up = all(made))), digits = NA, auto_unbox = TRUE, pretty = TRUE))
