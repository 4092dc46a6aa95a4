# Maximum likelihood of conditional increments of the log cumulative hazard with one normal shift a study, by R's optim with
# plain (numerical) gradients: an implementation of the formula that shares nothing with ours. metadat dat.fine1993, both arms.
# Usage: Rscript references/synthesis_increments.R > src/nextarm/validation/expected/synthesis_increments.json
suppressMessages({library(metadat); library(jsonlite)})

long <- function(x, n) {
  d <- dat.fine1993; t <- c(6, 12, 18, 24) / 12
  rows <- do.call(rbind, lapply(seq_len(nrow(d)), function(i)
    data.frame(study = i, time = t, s = as.numeric(unlist(d[i, x])) / d[i, n], n = d[i, n])))
  rows[!is.na(rows$s) & rows$s > 0 & rows$s < 1, ]
}
increments <- function(rows) {
  do.call(rbind, lapply(split(rows, rows$study), function(d) {
    d <- d[order(d$time), ]
    # Flat: the earlier of two equal survivals goes.
    keep <- c(d$s[-nrow(d)] != d$s[-1], TRUE); d <- d[keep, ]
    u <- (1 - d$s) / (d$s * d$n); a <- c(0, d$time[-nrow(d)])
    drop <- c(0, log(d$s[-nrow(d)])) - log(d$s)
    data.frame(study = d$study, a = a, b = d$time, y = log(drop), v = (u - c(0, u[-length(u)])) / drop^2)
  }))
}
fit <- function(rows) {
  d <- increments(rows); grid <- sort(unique(d$b))
  spans <- outer(seq_len(nrow(d)), seq_along(grid), function(i, j) as.numeric(grid[j] > d$a[i] & grid[j] <= d$b[i]))
  minus <- function(p) {
    mu <- log(spans %*% exp(p[seq_along(grid)])); tau2 <- p[length(grid) + 1]^2
    sum(sapply(split(seq_len(nrow(d)), d$study), function(i) {
      M <- diag(d$v[i], length(i)) + tau2; r <- d$y[i] - mu[i]
      .5 * (t(r) %*% solve(M, r) + determinant(M)$modulus + length(i) * log(2 * pi))
    }))
  }
  best <- optim(c(rep(-1.5, length(grid)), .3), minus, method = "Nelder-Mead", control = list(maxit = 20000, reltol = 1e-15))
  for (i in 1:5) best <- optim(best$par, minus, method = "BFGS", control = list(maxit = 1000, reltol = 1e-16, ndeps = rep(1e-6, length(grid) + 1)))
  list(times = grid, b = best$par[seq_along(grid)], tau2 = best$par[length(grid) + 1]^2, log_likelihood = -best$value,
       survival = exp(-cumsum(exp(best$par[seq_along(grid)]))))
}
sets <- list(experimental = long(paste0("e", 1:4, "i"), "nei"), control = long(paste0("c", 1:4, "i"), "nci"))
out <- lapply(sets, function(rows) c(as.list(rows), list(fit = fit(rows))))
cat(toJSON(list(made_with = list(R = R.version.string, metadat = as.character(packageVersion("metadat"))), sets = out),
           digits = NA, auto_unbox = TRUE, pretty = TRUE))
