# Freezes what R survival says of Cox models with a shared frailty, gamma (theta by the integrated likelihood) and Gaussian on
# the log hazard (theta by its REML equation), Breslow and Efron ties, frailty not sparse so that variances are exact. The
# data sets lung, kidney and rats of R survival stand in the frozen file (rats thinned to its females' litters).
# Usage: Rscript references/synthesis_frailty.R > src/nextarm/validation/expected/synthesis_frailty.json
suppressMessages({library(survival); library(jsonlite)})
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 500, outer.max = 500, timefix = FALSE)
sets <- list(
  lung = local({ d <- lung[!is.na(lung$inst), ]
    data.frame(time = d$time, event = d$status - 1, cluster = d$inst, x1 = d$sex - 1, x2 = (d$age - 62) / 10) }),
  kidney = data.frame(time = kidney$time, event = kidney$status, cluster = kidney$id, x1 = kidney$sex - 1, x2 = (kidney$age - 44) / 10),
  rats = local({ d <- rats[rats$sex == "f", ]
    data.frame(time = d$time, event = d$status, cluster = d$litter, x1 = d$rx, x2 = 0) }))
fit <- function(d, distribution, ties) {
  f <- if (all(d$x2 == 0)) Surv(time, event) ~ x1 else Surv(time, event) ~ x1 + x2
  f <- update(f, substitute(. ~ . + frailty(cluster, distribution = D, sparse = FALSE, eps = 1e-11), list(D = distribution)))
  g <- suppressWarnings(coxph(f, data = d, ties = ties, control = tight))
  p <- length(g$coefficients) - length(unique(d$cluster))
  h <- g$history[[1]]
  out <- list(theta = h$theta, coefficient = unname(g$coefficients[1:p]), se = sqrt(diag(g$var)[1:p]),
    frailty = unname(g$coefficients[-(1:p)]), log_likelihood = g$loglik[2])
  if (distribution == "gamma") out$integrated <- h$c.loglik
  out
}
all <- lapply(sets, function(d) c(as.list(d), list(fits = list(
  gamma_breslow = fit(d, "gamma", "breslow"), gamma_efron = fit(d, "gamma", "efron"),
  gaussian_breslow = fit(d, "gaussian", "breslow"), gaussian_efron = fit(d, "gaussian", "efron")))))
cat(toJSON(list(made_with = list(R = R.version.string, survival = as.character(packageVersion("survival"))), sets = all),
  digits = NA, auto_unbox = TRUE, pretty = TRUE, na = "null"))
