# Freezes, with base R, survival and MatchIt, what the borrowing room computes when patients are weighted and compared:
# - MAIC and entropy-balancing weights by optim and by nlm on the dual (base R; written here, so ours);
# - propensity scores by glm and by MatchIt, weights of four estimands;
# - weighted and unweighted hazard ratios (coxph, robust), S(t) (survfit, robust), RMST (survfit), delayed entry;
# - anchored comparison: weighted coxph and Cox regression centred at the target; simulated treatment comparison: survfit of a Cox model.
# Usage: Rscript references/borrowing_external.R > src/nextarm/validation/expected/borrowing_external.json
suppressMessages({library(survival); library(MatchIt); library(jsonlite)})
data_of <- function(name) read.csv(file.path("..", "src", "nextarm", "validation", "data", name))
new <- data_of("external_treated.csv"); old <- data_of("external_control.csv"); late <- data_of("external_delayed.csv")
trial <- data_of("external_anchored.csv"); maic <- data_of("maic_covariates.csv")
covs <- c("age", "wbc", "cns")
ess <- function(w) sum(w)^2 / sum(w^2)

# ---- weights by the dual ---------------------------------------------------------------------------------------------
dual <- function(X, target, q = rep(1, nrow(X))) {
  s <- apply(X, 2, sd); Z <- sweep(sweep(X, 2, target), 2, s, "/")
  f <- function(b) {l <- Z %*% b; m <- max(l); m + log(sum(q * exp(l - m)))}
  g <- function(b) {l <- Z %*% b; w <- q * exp(l - max(l)); as.vector(crossprod(Z, w) / sum(w))}
  b <- optim(rep(0, ncol(X)), f, g, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))$par
  for (i in 1:20) {                                                  # polish: Newton steps with a numerical Hessian
    h <- 1e-5; H <- sapply(seq_along(b), function(j) {e <- rep(0, length(b)); e[j] <- h; (g(b + e) - g(b - e)) / (2 * h)})
    b <- b - solve((H + t(H)) / 2, g(b))
  }
  w <- as.vector(q * exp(Z %*% b)); w / sum(w)
}
M1 <- as.matrix(new[covs]); M0 <- as.matrix(old[covs])
target <- c(age = 5.2, wbc = 4.55, cns = 0.22); sds <- c(age = 1.9, wbc = 0.48)
w_mean <- dual(M1, target)
second <- cbind(M1, (new$age - target["age"])^2, (new$wbc - target["wbc"])^2)
w_sd <- dual(second, c(target, sds^2))
w_att <- dual(M0, colMeans(M1))
all_mean <- colMeans(rbind(M1, M0))
Xm <- as.matrix(maic[c("age", "male", "smoke", "ecog0")])
tm <- c(50.0633333333333, .49, .193333333333333, .35)
w_roche <- dual(cbind(Xm, (maic$age - tm[1])^2), c(tm, 3.23535892601672^2))
head5 <- function(w) as.list(setNames(w[1:5] * length(w), paste0("w", 1:5)))
weights <- list(
  mean = c(list(ess = ess(w_mean), largest = max(w_mean)), head5(w_mean)),
  sd = c(list(ess = ess(w_sd), largest = max(w_sd)), head5(w_sd)),
  att = c(list(ess = ess(w_att), largest = max(w_att)), head5(w_att)),
  ate = list(ess_treated = ess(dual(M1, all_mean)), ess_control = ess(dual(M0, all_mean))),
  roche = c(list(ess = ess(w_roche)), head5(w_roche))
)

# ---- propensity scores -----------------------------------------------------------------------------------------------
both <- rbind(cbind(new, t = 1), cbind(old, t = 0))
e <- fitted(glm(t ~ age + wbc + cns, binomial, both, control = glm.control(epsilon = 1e-14, maxit = 100)))
m <- matchit(t ~ age + wbc + cns, data = both, method = NULL, distance = "glm")
t1 <- both$t == 1
ps <- list(att = ifelse(t1, 1, e / (1 - e)), atc = ifelse(t1, (1 - e) / e, 1), ate = ifelse(t1, 1 / e, 1 / (1 - e)), overlap = ifelse(t1, 1 - e, e))
scale1 <- function(w) {w[t1] <- w[t1] / mean(w[t1]); w[!t1] <- w[!t1] / mean(w[!t1]); w}
s_at <- function(d, w, at, robust = TRUE) {
  f <- if (robust) survfit(Surv(time, event) ~ 1, d, weights = w, robust = TRUE) else survfit(Surv(time, event) ~ 1, d)
  z <- summary(f, times = at); list(s = z$surv, se = z$std.err)
}
hr <- function(d, w) {
  d$w <- w; f <- coxph(Surv(time, event) ~ t, d, weights = w, robust = TRUE)
  list(log = unname(coef(f)), se = sqrt(vcov(f)[1, 1]))
}
propensity <- lapply(ps, function(w) {
  w <- scale1(w)
  c(list(ess_treated = ess(w[t1]), ess_control = ess(w[!t1])), setNames(hr(both, w), c("log_hr", "se")),
    list(s_treated = s_at(new, w[t1], 4)$s, s_control = s_at(old, w[!t1], 4)$s, se_control = s_at(old, w[!t1], 4)$se))
})
scores <- list(glm = as.list(setNames(unname(e[c(1:3, 71:73)]), paste0("e", 1:6))),
               matchit = as.list(setNames(unname(m$distance[c(1:3, 71:73)]), paste0("e", 1:6))))

# ---- comparisons -----------------------------------------------------------------------------------------------------
rmst_of <- function(d, tau) {z <- summary(survfit(Surv(time, event) ~ 1, d), rmean = tau)$table; unname(z[grep("rmean", names(z))])}
plain <- coxph(Surv(time, event) ~ t, both)
w_entropy <- c(rep(1, nrow(new)), w_att * nrow(old))
a <- rmst_of(new, 5); b <- rmst_of(old, 5)
compare <- list(
  plain = list(log_hr = unname(coef(plain)), se = sqrt(vcov(plain)[1, 1]), s_treated = s_at(new, NULL, 4, FALSE)$s,
               s_control = s_at(old, NULL, 4, FALSE)$s, rmst = a[1] - b[1], rmst_se = sqrt(a[2]^2 + b[2]^2)),
  entropy = c(setNames(hr(both, w_entropy), c("log_hr", "se")),
              list(s_control = s_at(old, w_att * nrow(old), 4)$s, se_control = s_at(old, w_att * nrow(old), 4)$se)),
  maic = c(setNames(hr(both, c(w_mean * nrow(new), rep(1, nrow(old)))), c("log_hr", "se")),
           list(s_treated = s_at(new, w_mean * nrow(new), 4)$s, se_treated = s_at(new, w_mean * nrow(new), 4)$se))
)
late_both <- rbind(cbind(new, entry = 0, t = 1), cbind(late, t = 0))
dl <- coxph(Surv(entry, time, event) ~ t, late_both)
kl <- summary(survfit(Surv(entry, time, event) ~ 1, late), times = 4)
delayed <- list(log_hr = unname(coef(dl)), se = sqrt(vcov(dl)[1, 1]), s_control = kl$surv, se_control = kl$std.err)

# ---- anchored --------------------------------------------------------------------------------------------------------
trial$t <- as.integer(trial$arm == "A")
w_tr <- dual(as.matrix(trial[covs]), target) * nrow(trial)
f <- hr(trial, w_tr); lb <- log(.85); sb <- (log(1.15) - log(.63)) / (2 * qnorm(.975))
centred <- trial; for (v in covs) centred[[v]] <- centred[[v]] - target[v]
g <- coxph(Surv(time, event) ~ t * (age + wbc + cns), centred)
u <- coxph(Surv(time, event) ~ t, trial)
anchored <- list(
  unadjusted = list(log_ac = unname(coef(u)), se_ac = sqrt(vcov(u)[1, 1])),
  maic = list(log_ac = f$log, se_ac = f$se, ess = ess(w_tr), log_ab = f$log - lb, se_ab = sqrt(f$se^2 + sb^2)),
  stc = list(log_ac = unname(coef(g)["t"]), se_ac = sqrt(vcov(g)["t", "t"]))
)
st <- coxph(Surv(time, event) ~ age + wbc + cns, new, ties = "breslow")
profiles <- data.frame(age = c(5.2, 3, 8), wbc = c(4.55, 4, 5.2), cns = c(0, 1, 0))
stc <- as.list(setNames(as.vector(summary(survfit(st, newdata = profiles, stype = 2, ctype = 1), times = 4)$surv), paste0("profile", 1:3)))

cat(toJSON(list(
  made_with = list(R = R.version.string, survival = as.character(packageVersion("survival")), MatchIt = as.character(packageVersion("MatchIt"))),
  weights = weights, scores = scores, propensity = propensity, compare = compare, delayed = delayed, anchored = anchored, stc = stc
), digits = NA, auto_unbox = TRUE, pretty = TRUE), "\n")
