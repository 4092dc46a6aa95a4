# What R survival says of made-up patients whose figures R draws: the reader of figures must give it back from the figures alone.
# The patients are quantiles of Weibull times with censoring at fixed fractions; nothing is random.
# Usage (in references/): Rscript figures.R > ../src/nextarm/validation/expected/figures.json
# With NEXTARM_WRITE_FIGURES=1 the figures are drawn again into ../src/nextarm/validation/data/.
suppressMessages({library(survival); library(ggplot2); library(jsonlite)})

made <- function(name, n, shape, scale) {
  i <- seq_len(n)
  event <- round(scale * (-log(1 - (i - 0.5) / n))^(1 / shape), 2)
  follow <- round(15 + 40 * ((i * 7) %% n) / n, 2)
  data.frame(arm = name, time = pmin(event, follow), event = as.integer(event <= follow))
}
d <- rbind(made("Control", 40, 1.1, 16), made("New drug", 50, 0.9, 40))
d$arm <- factor(d$arm, levels = c("Control", "New drug"))
fit <- survfit(Surv(time, event) ~ arm, d)
rows <- seq(0, 48, 12)

base_figure <- function() {
  par(mar = c(8, 8, 1, 1))
  plot(fit, col = c("red", "blue"), lty = 1:2, mark.time = TRUE, xlab = "", ylab = "Survival", xaxt = "n")
  axis(1, rows); mtext("Time (months)", 1, line = 2.5)
  legend("topright", levels(d$arm), col = c("red", "blue"), lty = 1:2, bty = "n")
  mtext("Number at risk", 1, line = 4, at = -8)
  for (k in 1:2) {
    mtext(levels(d$arm)[k], 1, line = 4 + k, at = -8)
    mtext(sapply(rows, function(t) sum(d$time[d$arm == levels(d$arm)[k]] >= t)), 1, line = 4 + k, at = rows)
  }
}
ggplot_figure <- function() {
  s <- summary(fit, censored = TRUE)
  steps <- rbind(data.frame(arm = levels(d$arm), time = 0, surv = 1, cens = 0),
                 data.frame(arm = levels(d$arm)[as.integer(s$strata)], time = s$time, surv = s$surv, cens = s$n.censor))
  print(ggplot(steps, aes(time, surv, colour = arm)) + geom_step() + geom_point(data = steps[steps$cens > 0, ], shape = 3) +
    scale_x_continuous(breaks = rows) + scale_y_continuous(labels = function(v) paste0(100 * v, "%"), limits = c(0, 1)) +
    labs(x = "Months from diagnosis", y = "Survival", colour = NULL) + theme_bw())
}
survminer_figure <- function() print(survminer::ggsurvplot(fit, data = d, conf.int = TRUE, risk.table = TRUE, xlab = "Time (months)",
  break.time.by = 12, legend.labs = levels(d$arm)))

if (Sys.getenv("NEXTARM_WRITE_FIGURES") != "") {
  to <- function(name) file.path("..", "src", "nextarm", "validation", "data", name)
  svg(to("figures_base.svg"), 7, 6); base_figure(); invisible(dev.off())
  pdf(to("figures_base.pdf"), 7, 6, compress = FALSE); base_figure(); invisible(dev.off())
  svglite::svglite(to("figures_ggplot.svg"), 7, 5); ggplot_figure(); invisible(dev.off())
  svglite::svglite(to("figures_survminer.svg"), 7, 7); survminer_figure(); invisible(dev.off())
}

arms <- lapply(setNames(seq_along(levels(d$arm)), levels(d$arm)), function(k) {
  x <- d[d$arm == levels(d$arm)[k], ]
  f <- survfit(Surv(time, event) ~ 1, x)
  falls <- f$n.event > 0
  list(n = nrow(x), events = sum(x$event), drop_time = f$time[falls], drop_survival = f$surv[falls],
       censored = f$time[f$n.censor > 0], row_time = rows, row_at_risk = sapply(rows, function(t) sum(x$time >= t)))
})
cox <- coxph(Surv(time, event) ~ arm, d, ties = "efron")
cat(toJSON(list(arms = arms, log_hazard_ratio = unname(coef(cox)), se = unname(sqrt(vcov(cox)[1, 1])),
  made_with = list(R = R.version.string, survival = as.character(packageVersion("survival")), ggplot2 = as.character(packageVersion("ggplot2")),
    svglite = as.character(packageVersion("svglite")), survminer = as.character(packageVersion("survminer")))),
  auto_unbox = TRUE, digits = NA, pretty = TRUE), "\n")
