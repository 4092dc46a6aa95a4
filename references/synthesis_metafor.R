# Freezes what metafor says of ten data sets of metadat: every estimator of tau2 with Wald, Hartung-Knapp and ad hoc
# intervals, prediction intervals on t(k-1), t(k-2) and normal, Q, I2, H2, Q-profile; profile likelihood of REML and ML.
# metafor's default stopping rules are too loose for a comparison at 1e-8, so all are tightened.
# Usage: Rscript references/synthesis_metafor.R > src/nextarm/validation/expected/synthesis_metafor.json
suppressMessages({library(metafor); library(metadat); library(jsonlite)})

tight <- list(threshold = 1e-14, maxiter = 100000, tol = 1e-15)
root <- list(tol = 1e-15, maxiter = 100000, tau2.max = 1e4)

keep <- function(d, mod = NULL) {
  d <- d[!is.na(d$yi) & !is.na(d$vi), ]
  out <- list(yi = as.numeric(d$yi), vi = as.numeric(d$vi))
  if (!is.null(mod)) out$moderator <- as.numeric(d[[mod]])
  out
}
sets <- list(
  bcg = keep(escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg), "ablat"),
  normand1999 = keep(escalc("SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = dat.normand1999)),
  hackshaw1998 = keep(dat.hackshaw1998),
  raudenbush1985 = keep(dat.raudenbush1985, "weeks"),
  bangertdrowns2004 = keep(dat.bangertdrowns2004, "year"),
  pritz1997 = keep(escalc("PLO", xi = xi, ni = ni, data = dat.pritz1997)),
  hine1989 = keep(escalc("RD", n1i = n1i, n2i = n2i, ai = ai, ci = ci, data = dat.hine1989)),
  li2007 = keep(escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007)),
  cannon2006 = keep(escalc("OR", ai = ep1t, n1i = nt, ci = ep1c, n2i = nc, data = dat.cannon2006)),
  molloy2014 = keep(escalc("ZCOR", ri = ri, ni = ni, data = dat.molloy2014), "meanage")
)

fit <- function(d, method, test, mods = NULL)
  suppressWarnings(if (is.null(mods)) rma(d$yi, d$vi, method = method, test = test, control = tight)
                   else rma(d$yi, d$vi, mods = mods, method = method, test = test, control = tight))

pooled <- function(d, method) {
  f <- fit(d, method, "z")
  out <- list(tau2 = f$tau2, q = f$QE, q_p = f$QEp, i2 = f$I2 / 100, h2 = f$H2)
  for (test in c("z", "knha", "adhoc")) {
    g <- fit(d, method, test)
    key <- c(z = "wald", knha = "hartung-knapp", adhoc = "ad-hoc")[[test]]
    p <- predict(g)
    r <- predict(g, pi.type = "riley")
    out[[key]] <- list(
      estimate = g$beta[1], se = g$se, low = g$ci.lb, high = g$ci.ub,
      prediction = c(p$pi.lb, p$pi.ub),
      prediction_k2 = c(r$pi.lb, r$pi.ub))
  }
  out$tau2_q_profile <- unname(confint(f, type = "QP", control = root)$random[1, 2:3])
  if (method %in% c("REML", "ML"))
    out$tau2_profile_likelihood <- unname(confint(f, type = "PL", control = root)$random[1, 2:3])
  out
}

regressed <- function(d, mods, method = "REML") {
  mods <- as.matrix(mods)
  g <- fit(d, method, "knha", mods)
  a <- fit(d, method, "adhoc", mods)
  list(mods = unname(mods), tau2 = g$tau2, r2 = g$R2 / 100, qe = g$QE, qe_p = g$QEp, qm = g$QM, qm_p = g$QMp, i2 = g$I2 / 100,
       estimate = as.numeric(g$beta), se = g$se, low = g$ci.lb, high = g$ci.ub, p = g$pval, se_ad_hoc = a$se,
       tau2_q_profile = unname(confint(g, type = "QP", control = root)$random[1, 2:3]))
}

methods <- c("REML", "ML", "DL", "PM", "EB", "SJ", "HE")
pools <- lapply(sets, function(d) c(d, list(fits = sapply(tolower(methods), function(m) pooled(d, toupper(m)), simplify = FALSE))))

b <- dat.bcg
bcg <- escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = b)
regressions <- list(
  bcg_ablat = c(list(set = "bcg"), regressed(sets$bcg, bcg$ablat)),
  bcg_ablat_year = c(list(set = "bcg"), regressed(sets$bcg, cbind(bcg$ablat, bcg$year))),
  raudenbush1985_weeks = c(list(set = "raudenbush1985"), regressed(sets$raudenbush1985, sets$raudenbush1985$moderator)),
  bangertdrowns2004_year = c(list(set = "bangertdrowns2004"), regressed(sets$bangertdrowns2004, sets$bangertdrowns2004$moderator)),
  molloy2014_meanage = c(list(set = "molloy2014"), regressed(sets$molloy2014, sets$molloy2014$moderator)))

# Exact permutation p of the slope: every ordering of the moderator, tau2 estimated anew in each.
small <- list(hine1989 = c(1, 2, 4, 7, 11, 16), bcg = NULL)
permuted <- list(
  hine1989 = local({
    x <- small$hine1989
    g <- fit(sets$hine1989, "REML", "knha", x)
    list(moderator = x, t = as.numeric(g$zval[2]), p = permutest(g, exact = TRUE, progbar = FALSE)$pval[2])
  }),
  bcg7 = local({
    d <- list(yi = sets$bcg$yi[1:7], vi = sets$bcg$vi[1:7])
    x <- bcg$ablat[1:7]
    g <- fit(d, "REML", "knha", x)
    list(yi = d$yi, vi = d$vi, moderator = x, t = as.numeric(g$zval[2]), p = permutest(g, exact = TRUE, progbar = FALSE)$pval[2])
  }))

# Leave-one-out and cumulative pooling of bcg, in the order of year.
g <- rma(yi, vi, data = bcg, method = "REML", control = tight)
l <- leave1out(g)
o <- order(bcg$year)
cu <- cumul(g, order = bcg$year)
inf <- influence(g)$inf
pdf(NULL) # baujat draws before it returns its points
bau <- baujat(g)
sensitivity <- list(
  set = "bcg", year = bcg$year,
  leave_one_out = list(estimate = l$estimate, se = l$se, tau2 = l$tau2),
  cumulative = list(order = o, estimate = cu$estimate, se = cu$se, tau2 = cu$tau2),
  influence = list(rstudent = inf$rstudent, dffits = inf$dffits, cook.d = inf$cook.d, cov.r = inf$cov.r, hat = inf$hat),
  baujat = list(x = bau$x, y = bau$y))

cat(toJSON(list(
  pools = pools, regressions = regressions, permutations = permuted, sensitivity = sensitivity,
  made_with = list(R = R.version.string, metafor = as.character(packageVersion("metafor")), metadat = as.character(packageVersion("metadat")))
), digits = NA, auto_unbox = TRUE, na = "null", pretty = TRUE))
cat("\n")
