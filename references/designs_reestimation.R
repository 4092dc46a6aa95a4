# Frozen values for re-estimated numbers of events: rpact simulates two-arm survival trials with an inverse normal combination of two
# stages and a promising zone of its own calculation (custom calcEventsFunction). Prints one JSON object.
suppressPackageStartupMessages({library(rpact); library(jsonlite)})
iterations <- 50000
setting <- function(hr, target, levels, interim, seed) {
  d <- getDesignInverseNormal(kMax = 2, alpha = .025, informationRates = c(interim / levels[1], 1), typeOfDesign = "noEarlyEfficacy")
  w1 <- sqrt(interim / levels[1]); w2 <- sqrt(1 - interim / levels[1]); crit <- qnorm(.975)
  rule <- function(..., stage, estimatedTheta, eventsOverStages, plannedEvents) {
    z <- log(estimatedTheta) * sqrt(interim) / 2  # rpact passes the ratio turned so that above 1 is better
    cp <- pnorm(z * sqrt((levels - interim) / interim) - (crit - w1 * z) / w2)
    if (cp[1] < .3 || cp[1] >= target) return(levels[1])
    reached <- which(cp >= target)
    if (length(reached)) levels[reached[1]] else levels[length(levels)]
  }
  s <- getSimulationSurvival(d, hazardRatio = hr, directionUpper = FALSE, plannedEvents = c(interim, levels[1]),
    minNumberOfEventsPerStage = c(NA, 1), maxNumberOfEventsPerStage = c(NA, 1000), conditionalPower = target, maxNumberOfSubjects = 400,
    accrualTime = c(0, 36), lambda2 = .4 / 12, calcEventsFunction = rule, maxNumberOfIterations = iterations, seed = seed)
  list(hazard_ratio = hr, target = target, levels = levels, interim = interim, power = as.numeric(s$overallReject),
       events = as.numeric(s$expectedNumberOfEvents), iterations = iterations)
}
runs <- list(setting(.65, .8, c(100, 120, 140, 160, 180), 50, 11), setting(.7, .9, c(120, 180, 240), 72, 12),
             setting(1, .8, c(100, 120, 140, 160, 180), 50, 13))
writeLines(toJSON(list(runs = runs, made_with = list(R = R.version.string, rpact = as.character(packageVersion("rpact")))),
                  digits = NA, auto_unbox = TRUE, pretty = TRUE))
