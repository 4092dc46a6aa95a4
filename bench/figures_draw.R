# Draw plans (JSON, one list) with base graphics, survminer and ggplot2, and write where the axes are in pixels.
# Called by bench/figures_make.py: Rscript figures_draw.R plans.json outdir
suppressPackageStartupMessages({library(jsonlite); library(survival); library(ggplot2); library(survminer); library(grid)})
args <- commandArgs(TRUE); plans <- fromJSON(args[1], simplifyVector = FALSE); out <- args[2]
vec <- function(x) unlist(x)
lty <- c(solid = 1, dashed = 2, dotted = 3)
pch <- list("+" = 3, "|" = 124, "x" = 4, "o" = 1) # the number of a character is as good as the character
family <- function(p) if (grepl("Serif|C059", p$font)) "serif" else if (p$engine == "base") "sans" else p$font
ylabs <- function(p, at) if (p$percent) sprintf("%.0f%s", 100 * at, if (p$engine == "ggsurvfit") "%" else "") else formatC(at, format = "f", digits = if (p$y_step == 0.25 || p$engine == "survminer") 2 else 1)
risk <- function(p, a) sapply(vec(p$x_ticks), function(v) sum(vec(a$time) >= v - 1e-9))
km <- function(a) survfit(Surv(vec(a$time), vec(a$event)) ~ 1)
affine <- function(x0, x1, y0, y1) list(x_slope = 1 / (x1 - x0), x_intercept = -x0 / (x1 - x0), y_slope = 1 / (y1 - y0), y_intercept = -y0 / (y1 - y0))

draw_base <- function(p, file, res) {
  png(file, p$width, p$height, res = res, type = "cairo")
  k <- length(p$arms)
  across <- if (p$las == 2) 1 else 0
  par(mar = c(across + if (p$risk_table) 6 + 1.3 * k else 4.5, if (p$risk_table) 8 else 4.5, 2, if (p$legend == "right") 8 else 1.5), family = family(p), cex = p$font_scale * 0.9, bty = if (p$frame == "box") "o" else "l", las = p$las, mgp = c(2.6, 0.8, 0))
  flip <- function(s) if (p$upward) 1 - s else s
  plot(NA, xlim = c(0, p$x_max), ylim = c(p$y_min, 1), xaxs = if (p$pad) "r" else "i", yaxs = if (p$pad) "r" else "i", axes = FALSE, xlab = "", ylab = "", main = if (is.null(p$title)) "" else p$title)
  title(xlab = p$x_label, line = 2.6 + across); title(ylab = p$y_label)
  if (!is.null(p$grid)) abline(h = seq(p$y_min, 1, p$y_step), v = vec(p$x_ticks), col = "grey85", lty = if (p$grid == "dotted") 3 else 1)
  axis(1, vec(p$x_ticks)); yt <- seq(ceiling(p$y_min / p$y_step - 1e-9) * p$y_step, 1, p$y_step); axis(2, yt, ylabs(p, yt)); box()
  if (p$survfit_plot) {
    d <- frame_of(p); f <- if (k == 1) survfit(Surv(time, event) ~ 1, d) else survfit(Surv(time, event) ~ arm, d)
    lines(f, fun = if (p$upward) "event" else "S", conf.int = p$ribbon && k == 1, mark.time = !is.null(p$marks), pch = if (identical(p$marks, "|")) "|" else 3, cex = 0.8,
      col = sapply(p$arms, `[[`, "colour"), lty = lty[sapply(p$arms, `[[`, "dash")], lwd = p$lw * 1.2)
  } else for (a in p$arms) {
    f <- km(a); x <- c(0, f$time); s <- c(1, f$surv)
    if (p$ribbon) { lines(c(0, f$time), flip(c(1, f$lower)), type = "s", lty = 3, col = a$colour); lines(c(0, f$time), flip(c(1, f$upper)), type = "s", lty = 3, col = a$colour) }
    lines(x, flip(s), type = "s", col = a$colour, lty = lty[[a$dash]], lwd = p$lw * 1.2)
    if (!is.null(p$marks)) { i <- f$n.censor > 0; points(f$time[i], flip(f$surv[i]), pch = pch[[p$marks]], col = a$colour, cex = if (p$marks == "|") 0.7 else 0.9) }
  }
  cols <- sapply(p$arms, `[[`, "colour"); nm <- sapply(p$arms, `[[`, "name"); lt <- lty[sapply(p$arms, `[[`, "dash")]
  if (p$legend == "right") { par(xpd = NA); legend(par("usr")[2], 1, nm, col = cols, lty = lt, lwd = p$lw * 1.2, bty = "n"); par(xpd = FALSE) }
  else if (p$legend != "none") legend(if (p$legend == "lower left") "bottomleft" else "topright", nm, col = cols, lty = lt, lwd = p$lw * 1.2, bty = if (p$pad) "n" else "o")
  if (!is.null(p$note)) text(0.7 * p$x_max, p$y_min + 0.62 * (1 - p$y_min), p$note, cex = 0.85)
  if (p$risk_table) {
    mtext("No. at risk", 1, line = 4 + across, at = par("usr")[1] - 0.02 * p$x_max, adj = 1, las = 1, cex = p$font_scale * 0.85)
    for (i in seq_len(k)) {
      n <- risk(p, p$arms[[i]])
      mtext(nm[i], 1, line = 4 + across + 1.2 * i, at = par("usr")[1] - 0.04 * p$x_max, adj = 1, las = 1, cex = p$font_scale * 0.85, col = if (p$risk_colour) cols[i] else "black")
      mtext(ifelse(n > 0, n, ""), 1, line = 4 + across + 1.2 * i, at = vec(p$x_ticks), las = 1, cex = p$font_scale * 0.85)
    }
  }
  px <- affine(grconvertX(0, "user", "device"), grconvertX(1, "user", "device"), grconvertY(0, "user", "device"), grconvertY(1, "user", "device"))
  dev.off(); px
}

panel_pixels <- function(g, p, res) {
  grid.force(); names <- grid.ls(viewports = TRUE, grobs = FALSE, print = FALSE)
  path <- unique(names$vpPath[grepl("^panel", names$name)]); nm <- unique(names$name[grepl("^panel\\.", names$name)])
  i <- which(grepl("^panel\\.", names$name))[1]
  full <- paste(names$vpPath[i], names$name[i], sep = "::"); full <- sub("^ROOT::", "", full)
  upViewport(0); downViewport(vpPath(strsplit(full, "::")[[1]]) |> (\(v) do.call(vpPath, as.list(strsplit(full, "::")[[1]])))())
  a <- deviceLoc(unit(0, "npc"), unit(0, "npc"), valueOnly = TRUE); b <- deviceLoc(unit(1, "npc"), unit(1, "npc"), valueOnly = TRUE)
  upViewport(0)
  pp <- ggplot_build(g)$layout$panel_params[[1]]; xr <- pp$x.range; yr <- pp$y.range
  X <- function(v) (a$x + (v - xr[1]) / diff(xr) * (b$x - a$x)) * res
  Y <- function(v) p$height - (a$y + (v - yr[1]) / diff(yr) * (b$y - a$y)) * res
  affine(X(0), X(1), Y(0), Y(1))
}

frame_of <- function(p) { d <- do.call(rbind, lapply(p$arms, function(a) data.frame(time = vec(a$time), event = vec(a$event), arm = a$name))); d$arm <- factor(d$arm, sapply(p$arms, `[[`, "name")); d }

draw_survminer <- function(p, file, res) {
  d <- frame_of(p); one <- length(p$arms) == 1
  f <- if (one) survfit(Surv(time, event) ~ 1, d) else survfit(Surv(time, event) ~ arm, d)
  f$call$data <- d
  step <- diff(vec(p$x_ticks))[1]
  s <- suppressWarnings(ggsurvplot(f, data = d, palette = if (one) p$arms[[1]]$colour else sapply(p$arms, `[[`, "colour"), conf.int = p$ribbon, risk.table = p$risk_table, risk.table.y.text.col = TRUE, risk.table.y.text = !isTRUE(p$pad),
    censor = !is.null(p$marks), censor.shape = if (is.null(p$marks)) 3 else pch[[p$marks]], censor.size = 4, break.time.by = step, xlim = c(0, p$x_max), size = p$lw * 0.5, xlab = p$x_label, ylab = p$y_label, fun = if (p$percent) "pct" else NULL,
    legend = if (p$legend == "none") "none" else if (p$legend == "right") "right" else "top", legend.labs = if (one) "All" else sapply(p$arms, `[[`, "name"), pval = if (!one && !is.null(p$note)) p$note else FALSE, linetype = if (one) "solid" else sapply(p$arms, `[[`, "dash"),
    ggtheme = theme_survminer(base_size = 11 * p$font_scale, base_family = family(p)), risk.table.height = min(0.45, (0.9 + 0.35 * length(p$arms)) * p$font_scale / (p$height / res)), tables.theme = theme_cleantable(base_size = 11 * p$font_scale)))
  png(file, p$width, p$height, res = res, type = "cairo"); on.exit(dev.off())
  g <- s$plot; built <- arrange_ggsurvplots(list(s), print = FALSE, ncol = 1, nrow = 1)
  print(s, newpage = FALSE)
  px <- panel_pixels(g, p, res)
  if (p$percent) { px$y_slope <- px$y_slope / 100; px$y_intercept <- px$y_intercept / 100 }
  px
}

draw_ggsurvfit <- function(p, file, res) {
  rows <- do.call(rbind, lapply(p$arms, function(a) { f <- km(a); data.frame(time = c(0, f$time), surv = c(1, f$surv), lower = c(1, f$lower), upper = c(1, f$upper), cens = c(0, f$n.censor), arm = a$name) }))
  rows$arm <- factor(rows$arm, sapply(p$arms, `[[`, "name"))
  if (p$upward) rows[c("surv", "lower", "upper")] <- 1 - rows[c("surv", "lower", "upper")]
  cols <- sapply(p$arms, `[[`, "colour"); lt <- lty[sapply(p$arms, `[[`, "dash")]
  g <- ggplot(rows, aes(time, surv, colour = arm, linetype = arm)) + geom_step(linewidth = p$lw * 0.5) + scale_colour_manual(values = cols) + scale_linetype_manual(values = unname(lt)) +
    scale_x_continuous(breaks = vec(p$x_ticks)) + scale_y_continuous(breaks = seq(0, 1, p$y_step), labels = function(v) ylabs(p, v)) + coord_cartesian(xlim = c(0, p$x_max), ylim = c(0, 1)) +
    labs(x = p$x_label, y = p$y_label, title = p$title) + (if (identical(p$grid, "grey")) theme_gray(base_size = 11 * p$font_scale, base_family = family(p)) else if (p$frame == "box") theme_bw(base_size = 11 * p$font_scale, base_family = family(p)) else theme_classic(base_size = 11 * p$font_scale, base_family = family(p))) +
    theme(legend.title = element_blank(), legend.position = if (p$legend == "none") "none" else if (p$legend == "right") "right" else if (p$legend == "top") "top" else "bottom")
  if (!is.null(p$marks)) g <- g + geom_point(data = rows[rows$cens > 0, ], shape = pch[[p$marks]], size = 2.5, show.legend = FALSE)
  png(file, p$width, p$height, res = res, type = "cairo"); on.exit(dev.off())
  if (p$risk_table) {
    t <- do.call(rbind, lapply(p$arms, function(a) data.frame(time = vec(p$x_ticks), n = risk(p, a), arm = a$name))); t$arm <- factor(t$arm, rev(levels(rows$arm)))
    tab <- ggplot(t[t$n > 0, ], aes(time, arm, label = n)) + geom_text(size = 3.2 * p$font_scale, family = family(p)) + coord_cartesian(xlim = c(0, p$x_max)) + labs(title = "At Risk", x = NULL, y = NULL) + theme_void(base_size = 11 * p$font_scale, base_family = family(p)) + theme(axis.text.y = element_text(hjust = 1), plot.title = element_text(size = 10 * p$font_scale))
    G <- ggplotGrob(g); Tt <- ggplotGrob(tab); w <- unit.pmax(G$widths[1:min(length(G$widths), length(Tt$widths))], Tt$widths[1:min(length(G$widths), length(Tt$widths))])
    G$widths[seq_along(w)] <- w; Tt$widths[seq_along(w)] <- w
    pushViewport(viewport(layout = grid.layout(2, 1, heights = c(0.78, 0.22)))); pushViewport(viewport(layout.pos.row = 1)); grid.draw(G); upViewport(); pushViewport(viewport(layout.pos.row = 2)); grid.draw(Tt); upViewport(0)
  } else print(g)
  panel_pixels(g, p, res)
}

truth <- list()
for (p in plans) {
  res <- if (p$width < 1000) 100 else if (p$width < 1800) 150 else 300
  file <- file.path(out, p$id, "drawn.png"); dir.create(dirname(file), showWarnings = FALSE)
  truth[[p$id]] <- tryCatch(switch(p$engine, base = draw_base, survminer = draw_survminer, ggsurvfit = draw_ggsurvfit)(p, file, res), error = function(e) { message(p$id, ": ", conditionMessage(e)); NULL })
}
write_json(truth, file.path(out, "r_truth.json"), auto_unbox = TRUE, digits = 12)
