# Freezes multivariate random effects over several times: metadat dat.fine1993 (glioma, two arms, survival at 6, 12, 18 and
# 24 months), log(-log S) of each arm with the Kaplan-Meier covariance cov(log S(s), log S(t)) = var(log S(min)) and, as in
# the data set's own example, log odds ratios with the covariance of nested counts. Structures CS and CAR, REML and ML.
# Usage: Rscript references/synthesis_several_times.R > src/nextarm/validation/expected/synthesis_several_times.json
suppressMessages({library(metafor); library(metadat); library(jsonlite)})
d <- dat.fine1993
times <- c(0.5, 1, 1.5, 2)
tight <- list()

arm <- function(n, alive) {
  rows <- do.call(rbind, lapply(seq_len(nrow(d)), function(i) {
    s <- as.numeric(alive[i, ]) / n[i]
    data.frame(study = i, time = times, s = s, n = n[i])
  }))
  rows <- rows[!is.na(rows$s) & rows$s > 0 & rows$s < 1, ]
  rows[!duplicated(rows[, c("study", "s")]), ]  # a flat tail repeats an estimate and would make V singular
}
within <- function(rows) {
  u <- (1 - rows$s) / (rows$n * rows$s)  # var log S without censoring
  V <- matrix(0, nrow(rows), nrow(rows))
  for (a in seq_len(nrow(rows))) for (b in seq_len(nrow(rows)))
    if (rows$study[a] == rows$study[b])
      V[a, b] <- (if (rows$time[a] <= rows$time[b]) u[a] else u[b]) / (log(rows$s[a]) * log(rows$s[b]))
  V
}
fitted <- function(y, V, rows, struct, method) {
  f <- rma.mv(y, V, mods = ~ factor(time) - 1, random = ~ time | study, struct = struct, data = rows, method = method,
              control = tight, sparse = FALSE)
  list(tau2 = f$tau2, rho = f$rho, estimate = as.numeric(f$beta), se = f$se, log_likelihood = as.numeric(logLik(f)),
       vcov = unname(vcov(f)), qe = f$QE)
}
one <- function(n, alive) {
  rows <- arm(n, alive)
  V <- within(rows)
  y <- log(-log(rows$s))
  fits <- list()
  for (struct in c("CS", "CAR")) for (method in c("REML", "ML"))
    fits[[paste(tolower(struct), tolower(method), sep = "_")]] <- fitted(y, V, rows, struct, method)
  list(study = rows$study, time = rows$time, survival = rows$s, n = rows$n, y = y, fits = fits)
}
cat(toJSON(list(
  experimental = one(d$nei, d[, c("e1i", "e2i", "e3i", "e4i")]),
  control = one(d$nci, d[, c("c1i", "c2i", "c3i", "c4i")]),
  made_with = list(R = R.version.string, metafor = as.character(packageVersion("metafor")), metadat = as.character(packageVersion("metadat")))
), digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE))
cat("\n")
