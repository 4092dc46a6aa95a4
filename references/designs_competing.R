# Frozen values for competing events: trials simulated here and tested with survival::survdiff (cause-specific log-rank) and
# cmprsk::cuminc (Gray's test), one-sided by the direction of the score. Prints one JSON object.
suppressPackageStartupMessages({library(survival); library(cmprsk); library(jsonlite)})
iterations <- 4000
setting <- function(rates0, rates1, n, accrual, follow_up, seed) {
  set.seed(seed)
  reject <- c(0, 0, 0, 0); events <- c(0, 0)
  for (i in seq_len(iterations)) {
    arm <- rep(0:1, length.out = n)
    r <- rbind(rates0, rates1)[arm + 1, ]
    relapse <- rexp(n, r[, 1]); death <- rexp(n, r[, 2]); end <- accrual + follow_up - runif(n, 0, accrual)
    time <- pmin(relapse, death, end)
    status <- ifelse(time == end, 0, ifelse(relapse < death, 1, 2))
    events <- events + c(sum(status == 1), sum(status == 2))
    one <- function(what) { s <- survdiff(Surv(time, status %in% what) ~ arm); (s$exp[2] - s$obs[2]) / sqrt(s$var[2, 2]) }
    g <- cuminc(time, status, arm)
    last <- sapply(c("0 1", "1 1"), function(k) max(g[[k]]$est))
    z <- c(one(1), one(2), one(1:2), sign(last[1] - last[2]) * sqrt(g$Tests["1", "stat"]))
    reject <- reject + (z >= qnorm(.975))
  }
  list(control = rates0, new = rates1, n = n, accrual = accrual, follow_up = follow_up, iterations = iterations, relapse = reject[1] / iterations,
       death = reject[2] / iterations, both = reject[3] / iterations, subdistribution = reject[4] / iterations, events = events / iterations)
}
runs <- list(setting(c(.4, .1), c(.22, .1), 200, 3, 2, 1), setting(c(.4, .05), c(.24, .2), 240, 2, 3, 2), setting(c(.3, .15), c(.3, .15), 200, 3, 2, 3))
writeLines(toJSON(list(runs = runs, made_with = list(R = R.version.string, survival = as.character(packageVersion("survival")),
  cmprsk = as.character(packageVersion("cmprsk")))), digits = NA, auto_unbox = TRUE, pretty = TRUE))
