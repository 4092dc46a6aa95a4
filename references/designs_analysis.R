# Frozen values of rpact for the analysis of group-sequential log-rank trials at a look: repeated intervals and p values,
# conditional power and rejection probability, final p value, interval and median unbiased estimate.
# Prints one JSON object. z is positive where the hazard ratio is below 1.
suppressPackageStartupMessages({library(rpact); library(jsonlite)})
quiet <- function(code) { sink(tempfile()); on.exit(sink()); suppressWarnings(suppressMessages(force(code))) }

cases <- list(); i <- 0
add <- function(name, type, gamma, rates, events, z, ratio = 1, future = NULL, hr1 = NULL, maximum = NULL) {
  args <- list(sided = 1, alpha = .025, beta = .2, informationRates = rates, typeOfDesign = type)
  if (!is.null(gamma)) args$gammaA <- gamma
  d <- do.call(getDesignGroupSequential, args)
  data <- getDataset(overallEvents = events, overallLogRanks = -z, overallAllocationRatios = rep(ratio, length(events)))
  call <- list(d, data, directionUpper = FALSE, allocationRatioPlanned = ratio)
  if (!is.null(future)) { call$nPlanned <- future; call$thetaH1 <- hr1 }
  if (!is.null(maximum)) call$maxInformation <- maximum
  r <- quiet(do.call(getAnalysisResults, call))
  k <- length(events)
  i <<- i + 1
  cases[[i]] <<- list(name = name, family = type, gamma = gamma, rates = rates, events = events, z = z, ratio = ratio, future = future,
    hazard_ratio = hr1, maximum = maximum, repeated_low = r$repeatedConfidenceIntervalLowerBounds[1:k],
    repeated_high = r$repeatedConfidenceIntervalUpperBounds[1:k], repeated_p = r$repeatedPValues[1:k],
    conditional_rejection = r$conditionalRejectionProbabilities[k], conditional_power = if (is.null(future)) NULL else tail(as.numeric(r$conditionalPower), 1),
    final_p = tail(na.omit(as.numeric(r$finalPValues)), 1),
    final_low = tail(na.omit(as.numeric(r$finalConfidenceIntervalLowerBounds)), 1),
    final_high = tail(na.omit(as.numeric(r$finalConfidenceIntervalUpperBounds)), 1),
    median_unbiased = tail(na.omit(as.numeric(r$medianUnbiasedEstimates)), 1))
}
add("obf interim", "asOF", NULL, (1:3) / 3, c(30, 60), c(1.4, 2.1), future = 30, hr1 = .6)
add("obf interim, two to come", "asOF", NULL, (1:3) / 3, c(30), c(1.1), future = c(30, 30), hr1 = .6)
add("obf final", "asOF", NULL, (1:2) / 2, c(50, 100), c(1.4, 2.3))
add("obf final, not rejected", "asOF", NULL, c(.6, 1), c(72, 120), c(.4, 1.2))
add("pocock early", "asP", NULL, (1:2) / 2, c(50), c(2.6))
add("kim-demets final, 2:1", "asKD", 2, (1:3) / 3, c(40, 80, 120), c(.5, 1.9, 2.4), ratio = 2)
add("hsd interim, 2:1", "asHSD", -2, c(.4, .7, 1), c(40, 70), c(1.0, 1.8), ratio = 2, future = 30, hr1 = .7)
add("pocock final", "asP", NULL, (1:3) / 3, c(40, 80, 120), c(1.2, 1.5, 2.6))
add("unplanned interim", "asOF", NULL, c(.5, 1), c(43), c(1.7), maximum = 100)
add("unplanned, Pocock, final", "asP", NULL, c(.5, 1), c(43, 100), c(1.7, 2.0), maximum = 100)
writeLines(toJSON(list(analysis = cases, made_with = list(R = R.version.string, rpact = as.character(packageVersion("rpact")))),
  digits = NA, auto_unbox = TRUE, null = "null", pretty = TRUE))
