# Freezes what R survival and cmprsk say of the survival data sets (references/data/make_survival_sets.py): Kaplan-Meier
# with all limits, Nelson-Aalen, quantiles, RMST, reverse Kaplan-Meier, Aalen-Johansen, log-rank tests, Gray's test, Cox
# fits with naive, robust and clustered variance, proportional-hazards tests; and multivariate normal boxes of mvtnorm.
# Curves are kept at about twelve of their times. Cox's stopping rule is tightened for a comparison at 1e-9.
# Usage (in references/): Rscript survival.R > ../src/nextarm/validation/expected/survival.json
suppressMessages({library(survival); library(cmprsk); library(mvtnorm); library(jsonlite)})

folder <- file.path("..", "src", "nextarm", "validation", "data")
names <- sub("^survival_(.*)[.]csv$", "\\1", sort(list.files(folder, "^survival_.*[.]csv$")))
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100, timefix = FALSE)
thin <- function(J) unique(round(seq(1, J, length.out = min(J, 12))))
clean <- function(v) { v <- as.numeric(v); v[!is.finite(v)] <- NA; v }

response <- function(d, event = d$event)
  if (is.null(d$entry)) Surv(d$time, event) else Surv(d$entry, d$time, event)

curve <- function(d) {
  w <- if (is.null(d$weight)) rep(1, nrow(d)) else d$weight
  robust <- !is.null(d$weight)
  d$id <- seq_len(nrow(d))
  fits <- lapply(c("log-log", "log", "plain"), function(type)
    if (robust) survfit(response(d) ~ 1, weights = w, cluster = d$id, conf.type = type, robust = TRUE, timefix = FALSE)
    else survfit(response(d) ~ 1, conf.type = type, timefix = FALSE))
  f <- fits[[1]]
  s <- summary(f, censored = TRUE)
  i <- thin(length(f$time))
  out <- list(row = i, time = f$time[i], at_risk = f$n.risk[i], events = f$n.event[i], survival = f$surv[i],
              se = clean(s$std.err[i]), cumhaz = f$cumhaz[i], cumhaz_se = clean(f$std.chaz[i]), robust = robust)
  for (k in 1:3) {
    type <- c("loglog", "log", "plain")[k]
    out[[paste0("low_", type)]] <- clean(fits[[k]]$lower[i])
    out[[paste0("high_", type)]] <- clean(fits[[k]]$upper[i])
    q <- quantile(fits[[k]], c(0.25, 0.5, 0.75))
    out[[paste0("quantile_", type)]] <- clean(q$quantile)
    out[[paste0("quantile_low_", type)]] <- clean(q$lower)
    out[[paste0("quantile_high_", type)]] <- clean(q$upper)
  }
  tau <- signif(0.8 * max(d$time), 3)
  m <- summary(f, rmean = tau)$table
  out$tau <- tau
  out$rmst <- unname(m["rmean"])
  if (!robust) out$rmst_se <- unname(m["se(rmean)"]) # with weights R ignores the robust variance here
  if (robust) {
    g <- survfit(response(d) ~ 1, weights = w, robust = FALSE, timefix = FALSE)
    out$se_greenwood <- clean(summary(g, censored = TRUE)$std.err[i])
  }
  if (is.null(d$entry) && !robust) {
    r <- survfit(Surv(d$time, 1 - d$event) ~ 1, conf.type = "log-log", timefix = FALSE)
    out$reverse <- r$surv[i]
    out$follow_up <- clean(unlist(quantile(r, 0.5)))
  }
  out
}

incidence <- function(d) {
  w <- if (is.null(d$weight)) rep(1, nrow(d)) else d$weight
  causes <- unique(d$cause[d$event == 1])
  kind <- factor(ifelse(d$event == 1, d$cause, "none"), levels = c("none", causes))
  d$id <- seq_len(nrow(d))
  f <- survfit(response(d, kind) ~ 1, weights = w, id = d$id, timefix = FALSE)
  keep <- match(sort(unique(d$time)), f$time)
  i <- thin(length(keep))
  s <- f$pstate[keep, -1, drop = FALSE]
  e <- f$std.err[keep, -1, drop = FALSE]
  out <- list(causes = I(causes), row = i, time = f$time[keep][i], incidence = unname(s[i, , drop = FALSE]), se = unname(e[i, , drop = FALSE]))
  if (is.null(d$entry) && is.null(d$weight)) {
    code <- as.integer(kind) - 1
    c1 <- cuminc(d$time, code)
    at <- timepoints(c1, f$time[keep][i])
    out$aalen_variance <- t(unname(at$var))
    out$aalen_incidence <- t(unname(at$est))
    by <- if (is.null(d$stratum)) cuminc(d$time, code, d$arm) else cuminc(d$time, code, d$arm, strata = d$stratum)
    out$gray <- unname(by$Tests[, 1])
    out$gray_p <- unname(by$Tests[, 2])
    out$gray_rho <- unname((if (is.null(d$stratum)) cuminc(d$time, code, d$arm, rho = 1)
                            else cuminc(d$time, code, d$arm, strata = d$stratum, rho = 1))$Tests[, 1])
  }
  out
}

ranks <- function(d) {
  one <- function(rho) {
    f <- if (is.null(d$stratum)) survdiff(Surv(time, event) ~ arm, d, rho = rho)
         else survdiff(Surv(time, event) ~ arm + strata(stratum), d, rho = rho)
    o <- f$obs; e <- f$exp
    if (is.matrix(o)) { o <- rowSums(o); e <- rowSums(e) }
    list(observed = unname(o), expected = unname(e), variance = unname(f$var), statistic = f$chisq, p = f$pvalue)
  }
  if (is.null(d$entry)) list(log_rank = one(0), peto = one(1), plain = if (is.null(d$stratum)) NULL else
    list(statistic = survdiff(Surv(time, event) ~ arm, d)$chisq))
  else list(log_rank = list(statistic = coxph(response(d) ~ factor(d$arm), ties = "breslow", control = tight)$score)) # no ties: the same
}

regression <- function(d) {
  d$Y <- response(d)
  d$w <- if (is.null(d$weight)) rep(1, nrow(d)) else d$weight
  terms <- c(if (length(unique(d$arm)) > 1) "factor(arm)", if (!is.null(d$x)) c("x", "z"))
  right <- paste(c(terms, if (!is.null(d$stratum)) "strata(stratum)"), collapse = " + ")
  f <- as.formula(paste("Y ~", right))
  one <- function(ties) {
    naive <- coxph(f, d, weights = w, ties = ties, robust = FALSE, control = tight)
    d$id <- seq_len(nrow(d))
    robust <- coxph(f, d, weights = w, ties = ties, cluster = id, control = tight)
    out <- list(coefficient = I(unname(coef(naive))), covariance = unname(vcov(naive)), log_likelihood = naive$loglik,
                score = unname(naive$score), robust = unname(vcov(robust)))
    if (!is.null(d$cluster)) out$clustered <- unname(vcov(coxph(f, d, weights = w, ties = ties, cluster = cluster, control = tight)))
    out$zph <- lapply(c(km = "km", identity = "identity", log = "log", rank = "rank"), function(g)
      unname(cox.zph(naive, transform = g, terms = FALSE)$table[, 1]))
    out
  }
  list(efron = one("efron"), breslow = one("breslow"))
}

reference <- function(d) {
  # One-sample log-rank against an exponential curve of rate 0.7, by the offset form of survdiff.
  f <- survdiff(Surv(d$time, d$event) ~ offset(exp(-0.7 * d$time)))
  list(rate = 0.7, observed = f$obs, expected = f$exp, statistic = f$chisq)
}

sets <- lapply(setNames(names, names), function(name) {
  d <- read.csv(file.path(folder, paste0("survival_", name, ".csv")), stringsAsFactors = FALSE)
  d[] <- lapply(d, function(v) if (is.integer(v)) as.numeric(v) else v)
  out <- list(curve = curve(d))
  if (!is.null(d$cause)) out$incidence <- incidence(d)
  if (!name %in% c("all_censored", "weights", "counts", "competing_delayed", "delayed_weights", "delayed_ties")) out$ranks <- ranks(d)
  if (!name %in% c("all_censored", "one_event", "zero_times", "small", "first_censored")) out$regression <- regression(d)
  if (is.null(d$entry) && is.null(d$weight) && !name %in% c("zero_times", "six_mp")) out$reference <- reference(d)
  out
})

set.seed(20260101)
boxes <- lapply(list(
  two = matrix(c(1, 0.6, 0.6, 1), 2),
  three = matrix(c(1, 0.83, 0.95, 0.83, 1, 0.63, 0.95, 0.63, 1), 3),
  weak = matrix(c(1, 0.2, -0.3, 0.2, 1, 0.5, -0.3, 0.5, 1), 3)), function(R) {
    m <- nrow(R)
    list(correlation = R, at = 2.1, upper = as.numeric(pmvnorm(upper = rep(2.1, m), corr = R, algorithm = if (m < 4) TVPACK(1e-14) else Miwa(1024))),
         both = as.numeric(pmvnorm(lower = rep(-2.1, m), upper = rep(2.1, m), corr = R, algorithm = Miwa(1025))))
  })

made_with <- list(r = R.version.string, survival = as.character(packageVersion("survival")), cmprsk = as.character(packageVersion("cmprsk")),
                  mvtnorm = as.character(packageVersion("mvtnorm")))
cat(toJSON(list(made_with = made_with, sets = sets, boxes = boxes), auto_unbox = TRUE, digits = NA, na = "null", null = "null"), "\n")
