# Draw the figures listed in FOLDER/jobs.txt: Rscript figures_vector.R FOLDER
suppressMessages({library(survival); library(ggplot2)})
folder <- commandArgs(TRUE)[1]
for (name in readLines(file.path(folder, "jobs.txt"))) {
  set.seed(sum(utf8ToInt(name) * seq_len(nchar(name))))
  meta <- jsonlite::fromJSON(file.path(folder, paste0(name, ".json")))
  d <- read.csv(file.path(folder, paste0(name, ".csv")))
  d$arm <- factor(d$arm, levels = unique(d$arm))
  arms <- levels(d$arm)
  fit <- survfit(Surv(time, event) ~ arm, d)
  top <- max(d$time); ticks <- seq(0, top, meta$x_step)
  w <- meta$width; h <- meta$height
  file <- file.path(folder, paste0(name, if (meta$device == "pdf") ".pdf" else ".svg"))
  if (meta$device == "pdf") pdf(file, w, h, onefile = FALSE) else if (meta$device == "cairo") svg(file, w, h) else svglite::svglite(file, w, h)
  steps <- do.call(rbind, lapply(seq_along(arms), function(k) {
    s <- summary(fit, censored = TRUE); i <- as.integer(s$strata) == k
    data.frame(arm = arms[k], time = c(0, s$time[i]), surv = c(1, s$surv[i]), cens = c(0, s$n.censor[i]))
  }))
  steps$arm <- factor(steps$arm, levels = arms)
  if (meta$style %in% c("base", "base-black", "base-limits")) {
    par(mar = c(9, 9, 2, 1))
    col <- if (meta$style == "base-black") c("black", "black") else c("#E41A1C", "#377EB8")
    lty <- if (meta$style == "base-black") 1:2 else c(1, 1)
    plot(fit, col = col, lty = lty, mark.time = TRUE, conf.int = meta$style == "base-limits", xaxt = "n", las = sample(0:1, 1),
         xlab = "", ylab = "Survival", bty = sample(c("o", "l"), 1))
    axis(1, ticks); mtext("Time (months)", 1, line = 2.5)
    legend("topright", arms, col = col, lty = lty, bty = "n")
    if (!is.null(meta$table)) {
      mtext("Number at risk", 1, line = 4, at = -0.12 * top)
      for (k in seq_along(arms)) {
        mtext(sapply(ticks, function(t) sum(d$time[d$arm == arms[k]] >= t - 1e-9)), 1, line = 4 + k, at = ticks)
        mtext(arms[k], 1, line = 4 + k, at = -0.12 * top)
      }
    }
  } else if (meta$style %in% c("ggplot", "ggplot-percent", "facets")) {
    if (meta$style == "facets") {
      other <- steps; other$surv <- 1 - 0.5 * (1 - other$surv); other$panel <- "A first"; steps$panel <- "B second"
      steps <- rbind(other, steps)
    }
    g <- ggplot(steps, aes(time, surv, colour = arm)) + geom_step() +
      geom_point(data = steps[steps$cens > 0, ], shape = sample(c(3, 124), 1), size = 2) + scale_x_continuous(breaks = ticks) +
      labs(x = "Months from diagnosis", y = "Survival", colour = NULL)
    g <- g + if (meta$style == "ggplot-percent") scale_y_continuous(labels = function(v) paste0(100 * v, "%"), limits = c(0, 1)) else scale_y_continuous(limits = c(0, 1))
    if (meta$style == "facets") g <- g + facet_wrap(~panel)
    g <- g + list(theme_bw(), theme_classic(), theme_grey(), theme_minimal())[[sample(4, 1)]]
    print(g)
  } else if (meta$style %in% c("survminer", "survminer-events")) {
    g <- survminer::ggsurvplot(fit, data = d, conf.int = runif(1) < 0.5, risk.table = if (meta$style == "survminer") TRUE else "nrisk_cumevents",
      censor = TRUE, xlab = "Time (months)", break.time.by = meta$x_step, legend.labs = arms,
      surv.median.line = sample(c("none", "hv"), 1), linetype = if (runif(1) < 0.3) "strata" else 1, pval = runif(1) < 0.5)
    print(g)
  } else if (meta$style == "autoplot") {
    suppressMessages(library(ggfortify))
    print(autoplot(fit, conf.int = runif(1) < 0.7) + labs(x = "Time in months", y = "Survival") + scale_x_continuous(breaks = ticks))
  }
  dev.off()
}
