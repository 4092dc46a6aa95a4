# Freezes what R says of survival models on the data sets models_*.csv (references/data/make_models_sets.py), the 6-MP trial
# and models_gbsg.csv: log likelihoods, coefficients and their standard errors of survival::survreg; MASS::fitdistr; R's
# distribution functions far in the tails; and maxima of likelihoods written here on dgamma, pgamma and friends where R has no
# fitting function (delayed entry, gamma, generalised gamma, Gompertz, cure), found by optim and polished by Newton steps on
# numDeriv's derivatives. Usage (in references/): Rscript survival_models.R
suppressMessages({library(survival); library(MASS); library(numDeriv); library(jsonlite)})
folder <- file.path("..", "src", "nextarm", "validation", "data")
get <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = FALSE)
tight <- survreg.control(rel.tolerance = 1e-13, maxiter = 200, toler.chol = 1e-15)

six <- get("survival_six_mp")
six$time <- six$time * 7 / 365.25
cure <- get("models_cure")
gbsg <- get("models_gbsg")
gbsg$time <- gbsg$time / 365.25
gbsg$arm <- factor(gbsg$arm, levels = c("Good", "Medium", "Poor"))
delayed <- get("models_delayed")
complete <- get("models_complete")

# survreg: weibull, exponential, lognormal, loglogistic
reg <- function(formula, data, dist, weights = NULL) {
  data$w <- if (is.null(weights)) 1 else weights
  f <- survreg(formula, data, weights = w, dist = dist, control = tight)
  list(loglik = f$loglik[2], coef = unname(coef(f)), scale = f$scale, se = unname(sqrt(diag(vcov(f)))))
}
dists <- c("exponential", "weibull", "lognormal", "loglogistic")
all_of <- function(formula, data, weights = NULL) sapply(dists, function(d) reg(formula, data, d, weights), simplify = FALSE)
survregs <- list(
  six_mp = all_of(Surv(time, event) ~ factor(arm, levels = unique(arm)), six),
  gbsg = all_of(Surv(time, event) ~ arm, gbsg),
  cure = all_of(Surv(time, event) ~ x, cure),
  weighted = all_of(Surv(time, event) ~ 1, delayed, delayed$weight))

fitdistr_gamma <- local({
  f <- fitdistr(complete$time, "gamma", control = list(reltol = 1e-15, maxit = 2000))
  list(loglik = f$loglik, shape = unname(f$estimate["shape"]), rate = unname(f$estimate["rate"]))
})

# Distribution functions, natural logarithms, in both tails.
t <- c(1e-6, 0.01, 0.3, 1, 2.5, 10, 60, 400)
p <- c(1e-9, 0.01, 0.4, 0.9, 1 - 1e-9)
tails <- list(
  t = t, p = p,
  gamma = list(log_s = pgamma(t, 0.7, 0.8, lower.tail = FALSE, log.p = TRUE), log_f = dgamma(t, 0.7, 0.8, log = TRUE),
               q = qgamma(p, 0.7, 0.8)),
  gamma_large = list(log_s = pgamma(t, 40, 30, lower.tail = FALSE, log.p = TRUE), log_f = dgamma(t, 40, 30, log = TRUE),
                     q = qgamma(p, 40, 30)),
  weibull = list(log_s = pweibull(t, 1.3, 0.9, lower.tail = FALSE, log.p = TRUE), log_f = dweibull(t, 1.3, 0.9, log = TRUE),
                 q = qweibull(p, 1.3, 0.9)),
  `log-normal` = list(log_s = plnorm(t, 0.2, 1.1, lower.tail = FALSE, log.p = TRUE), log_f = dlnorm(t, 0.2, 1.1, log = TRUE),
                      q = qlnorm(p, 0.2, 1.1)),
  `log-logistic` = list(log_s = plogis(log(t), 0.4, 0.6, lower.tail = FALSE, log.p = TRUE),
                        log_f = dlogis(log(t), 0.4, 0.6, log = TRUE) - log(t), q = exp(qlogis(p, 0.4, 0.6))))

# Maxima of likelihoods written here. par is on the estimation scale of each model.
maximum <- function(negative, start) {
  best <- optim(start, negative, method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))
  for (i in 1:3) best <- optim(best$par, negative, method = "Nelder-Mead", control = list(reltol = 1e-15, maxit = 5000))
  par <- best$par
  for (i in 1:4) par <- par - solve(hessian(negative, par), grad(negative, par))
  H <- hessian(negative, par)
  list(loglik = -negative(par), par = unname(par), se = unname(sqrt(diag(solve(H)))))
}
gg <- function(t, mu, sigma, q) { # log density and log survival of the generalised gamma
  w <- (log(t) - mu) / sigma; a <- q^-2; u <- a * exp(q * w)
  list(f = log(abs(q)) - log(sigma) - log(t) + a * log(a) + a * (q * w - exp(q * w)) - lgamma(a),
       s = pgamma(u, a, lower.tail = (q < 0), log.p = TRUE))
}
gompertz <- function(t, a, b) { H <- b * expm1(a * t) / a; list(f = log(b) + a * t - H, s = -H) }
gam <- function(t, k, r) list(f = dgamma(t, k, r, log = TRUE), s = pgamma(t, k, r, lower.tail = FALSE, log.p = TRUE))
wei <- function(t, k, s) list(f = dweibull(t, k, s, log = TRUE), s = pweibull(t, k, s, lower.tail = FALSE, log.p = TRUE))
lnorm <- function(t, m, s) list(f = dlnorm(t, m, s, log = TRUE), s = plnorm(t, m, s, lower.tail = FALSE, log.p = TRUE))
total <- function(d, at) { # at(t, rows): log density and log survival
  w <- if (is.null(d$weight)) 1 else d$weight
  v <- at(d$time, seq_len(nrow(d)))
  value <- sum(w * ifelse(d$event > 0, v$f, v$s))
  if (!is.null(d$entry)) { late <- which(d$entry > 0); value <- value - sum(d$weight[late] * at(d$entry[late], late)$s) }
  -value
}
mixture <- function(v, pi) list(f = log1p(-pi) + v$f, s = log(pi + (1 - pi) * exp(v$s)))
promotion <- function(v, pi) { F <- -expm1(v$s); list(f = log(-log(pi)) + v$f + log(pi) * F, s = log(pi) * F) }
medium <- as.numeric(gbsg$arm == "Medium"); poor <- as.numeric(gbsg$arm == "Poor"); new <- as.numeric(cure$arm == "new")

own <- list(
  delayed_gamma = maximum(function(p) total(delayed, function(t, i) gam(t, exp(p[1]), exp(p[2]))), c(0.3, -0.2)),
  delayed_gompertz = maximum(function(p) total(delayed, function(t, i) gompertz(t, p[1], exp(p[2]))), c(0.1, -1)),
  delayed_generalised_gamma = maximum(function(p) total(delayed, function(t, i) gg(t, p[1], exp(p[2]), p[3])), c(0.4, -0.2, 0.6)),
  gbsg_gamma = maximum(function(p) total(gbsg, function(t, i) gam(t, exp(p[1]), exp(p[2] + p[3] * medium[i] + p[4] * poor[i]))),
                       c(0.3, -2, 0.6, 1.2)),
  gbsg_gompertz = maximum(function(p) total(gbsg, function(t, i) gompertz(t, p[1], exp(p[2] + p[3] * medium[i] + p[4] * poor[i]))),
                          c(0.1, -3, 0.8, 1.6)),
  gbsg_generalised_gamma = maximum(function(p) total(gbsg, function(t, i)
    gg(t, p[1] + p[4] * medium[i] + p[5] * poor[i], exp(p[2]), p[3])), c(2.2, 0, -0.5, -0.7, -1.3)),
  cure_mixture_weibull = maximum(function(p) total(cure, function(t, i)
    mixture(wei(t, exp(p[3]), exp(p[4] + p[5] * cure$x[i])), plogis(p[1] + p[2] * new[i]))), c(-0.4, 0.6, 0.3, 0, 0.2)),
  cure_mixture_log_normal = maximum(function(p) total(cure, function(t, i)
    mixture(lnorm(t, p[3], exp(p[4])), plogis(p[1] + p[2] * new[i]))), c(-0.4, 0.6, -0.3, 0)),
  cure_mixture_gamma = maximum(function(p) total(cure, function(t, i)
    mixture(gam(t, exp(p[2]), exp(p[3])), plogis(p[1]))), c(0, 0.3, 0.3)),
  cure_promotion_weibull = maximum(function(p) total(cure, function(t, i)
    promotion(wei(t, exp(p[3]), exp(p[4])), exp(-exp(p[1] + p[2] * new[i])))), c(-0.1, -0.5, 0.3, 0.2)),
  gbsg_promotion_weibull = maximum(function(p) total(gbsg, function(t, i)
    promotion(wei(t, exp(p[4]), exp(p[5])), exp(-exp(p[1] + p[2] * medium[i] + p[3] * poor[i])))), c(-0.7, 0.8, 1.5, 0.4, 1.5)))

cat(toJSON(list(
  made_with = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                   MASS = as.character(packageVersion("MASS")), numDeriv = as.character(packageVersion("numDeriv"))),
  survreg = survregs, fitdistr_gamma = fitdistr_gamma, tails = tails, own = own), digits = NA, auto_unbox = TRUE, pretty = TRUE))
