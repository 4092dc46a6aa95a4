# Curves as R survival draws them from public data sets (read to four decimals), their at-risk tables, and what R says of the
# patients behind them: the reconstruction must give those numbers back from curve and table alone.
# Usage (in references/): Rscript patients.R > ../src/nextarm/validation/expected/patients.json
suppressMessages({library(survival); library(MASS); library(jsonlite)})

arm_of <- function(time, event, rows) {
  f <- survfit(Surv(time, event) ~ 1)
  falls <- f$n.event > 0
  list(time = c(0, f$time[falls], max(time)), survival = c(1, round(f$surv[falls], 4), round(min(f$surv), 4)),
       row_time = rows, row_at_risk = sapply(rows, function(t) sum(time >= t)),
       n = length(time), events = sum(event), person_time = sum(time))
}

trial <- function(d, rows) {
  d <- d[order(d$arm), ]
  arms <- lapply(split(d, d$arm), function(x) arm_of(x$time, x$event, rows))
  fit <- coxph(Surv(time, event) ~ arm, data = d, ties = "efron")
  rank <- survdiff(Surv(time, event) ~ arm, data = d)
  list(arms = arms, log_hazard_ratio = unname(coef(fit)), se = unname(sqrt(vcov(fit)[1, 1])), chisq = rank$chisq)
}

frame <- function(time, event, arm) data.frame(time = time, event = event, arm = factor(arm))
sets <- list(
  gehan = trial(frame(gehan$time, gehan$cens, ifelse(gehan$treat == "6-MP", "B 6-MP", "A control")), seq(0, 35, 5)),
  aml = trial(frame(aml$time, aml$status, ifelse(aml$x == "Maintained", "A maintained", "B not")), seq(0, 160, 20)),
  ovarian = trial(frame(ovarian$futime, ovarian$fustat, ovarian$rx), seq(0, 1200, 200)),
  veteran = trial(frame(veteran$time, veteran$status, veteran$trt), seq(0, 900, 100)),
  lung = trial(frame(lung$time, lung$status - 1, lung$sex), seq(0, 1000, 100))
)

m <- Melanoma
m$kind <- factor(ifelse(m$status == 1, "melanoma", ifelse(m$status == 3, "other", "none")), levels = c("none", "melanoma", "other"))
f <- survfit(Surv(time, kind) ~ 1, data = m)
at <- c(1000, 2000, 3000)
i <- findInterval(at, f$time)
rows <- seq(0, 5000, 500)
competing <- list(
  curves = lapply(c(melanoma = 2, other = 3), function(k) {
    y <- f$pstate[, k]
    up <- diff(c(0, y)) > 1e-12
    list(time = c(f$time[up], max(f$time)), incidence = round(c(y[up], max(y)), 4))
  }),
  row_time = rows, row_at_risk = sapply(rows, function(t) sum(m$time >= t)), n = nrow(m),
  events = list(melanoma = sum(m$kind == "melanoma"), other = sum(m$kind == "other")),
  at = at, incidence = list(melanoma = f$pstate[i, 2], other = f$pstate[i, 3])
)
out <- list(sets = sets, competing = competing,
            made_with = list(r = R.version.string, survival = as.character(packageVersion("survival")), MASS = as.character(packageVersion("MASS"))))
cat(toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
