# Frozen values for designs of counts and of several arms: Farrington-Manning sizes (rpact), Dunnett's bounds (mvtnorm),
# powers of exact binomial tests (base R). Prints one JSON object.
suppressPackageStartupMessages({library(rpact); library(mvtnorm); library(jsonlite)})
rates <- list()
for (case in list(c(0, .57, .41, .025, .2, 1), c(-.1, .7, .7, .025, .2, 1), c(-.1, .75, .7, .05, .1, 2), c(0, .8, .6, .05, .1, 2),
                  c(-.05, .9, .9, .025, .2, 1), c(-.15, .6, .65, .025, .2, .5), c(0, .3, .1, .025, .1, 1))) {
  d <- getDesignGroupSequential(kMax = 1, alpha = case[4], beta = case[5], sided = 1)
  s <- getSampleSizeRates(d, groups = 2, thetaH0 = case[1], pi1 = case[2], pi2 = case[3], allocationRatioPlanned = case[6])
  rates[[length(rates) + 1]] <- list(margin = -case[1], p1 = case[2], p0 = case[3], alpha = case[4], beta = case[5], ratio = case[6],
    n = as.numeric(s$nFixed))
}
dunnett <- list()
for (k in 2:4) for (ratio in c(1, .5)) for (alpha in c(.025, .05)) {
  rho <- ratio / (1 + ratio)
  corr <- matrix(rho, k, k); diag(corr) <- 1
  steps <- c(1024, 512, 128)[k - 1]
  f <- function(c) as.numeric(1 - pmvnorm(upper = rep(c, k), corr = corr, algorithm = Miwa(steps = steps))) - alpha
  dunnett[[length(dunnett) + 1]] <- list(arms = k, ratio = ratio, alpha = alpha, bound = uniroot(f, c(1.5, 3), tol = 1e-7)$root)
}
exact <- list()
for (case in list(c(.1, .3, .05, 25), c(.2, .4, .05, 40), c(.5, .7, .025, 63), c(.05, .2, .1, 30))) {
  r <- qbinom(1 - case[3], case[4], case[1]) + 1
  exact[[length(exact) + 1]] <- list(p0 = case[1], p1 = case[2], alpha = case[3], n = case[4], r = r,
    size = pbinom(r - 1, case[4], case[1], lower.tail = FALSE), power = pbinom(r - 1, case[4], case[2], lower.tail = FALSE))
}
writeLines(toJSON(list(rates = rates, dunnett = dunnett, exact = exact, made_with = list(R = R.version.string,
  rpact = as.character(packageVersion("rpact")), mvtnorm = as.character(packageVersion("mvtnorm")))), digits = NA, auto_unbox = TRUE, pretty = TRUE))
