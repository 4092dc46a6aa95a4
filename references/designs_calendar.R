# Looks at calendar times, by rpact: the events expected at each time give the information, the design and its power follow. Prints one
# JSON object; time is in years.
suppressPackageStartupMessages({library(rpact); library(jsonlite)})

run <- function(label, type, gamma, looks, rate, accrual, median, hazard_ratio, dropout) {
  lambda2 <- log(2) / median
  n <- rate * accrual
  probability <- getEventProbabilities(time = looks, accrualTime = c(0, accrual), accrualIntensity = rate, lambda2 = lambda2,
    hazardRatio = hazard_ratio, dropoutRate1 = 1 - exp(-dropout), dropoutRate2 = 1 - exp(-dropout), dropoutTime = 1,
    maxNumberOfSubjects = n)
  events <- n * as.numeric(probability$cumulativeEventProbabilities)
  arguments <- list(sided = 1, alpha = .025, beta = .2, informationRates = events / events[length(events)], typeOfDesign = type)
  if (!is.null(gamma)) arguments$gammaA <- gamma
  design <- do.call(getDesignGroupSequential, arguments)
  power <- getPowerSurvival(design, directionUpper = FALSE, hazardRatio = hazard_ratio, lambda2 = lambda2, accrualTime = c(0, accrual),
    maxNumberOfSubjects = n, maxNumberOfEvents = events[length(events)], dropoutRate1 = 1 - exp(-dropout),
    dropoutRate2 = 1 - exp(-dropout), dropoutTime = 1)
  list(label = label, type = type, gamma = gamma, looks = looks, rate = rate, accrual = accrual, median = median,
    hazard_ratio = hazard_ratio, dropout = dropout, events = events, critical = design$criticalValues, alpha_spent = design$alphaSpent,
    power = as.numeric(power$overallReject), reject = as.numeric(power$rejectPerStage), times = as.numeric(power$analysisTime),
    expected_events = as.numeric(power$expectedNumberOfEvents))
}
found <- list(
  run("three years' looks, spending as O'Brien-Fleming", "asOF", NULL, c(2, 3, 5), 60, 3, 1.5, .6, .02),
  run("Pocock spending, one early look", "asP", NULL, c(1.5, 4), 90, 2.5, 2, .65, 0),
  run("gamma family, four looks", "asHSD", -4, c(1.5, 2.5, 3.5, 6), 45, 4, 1, .55, .05))
cat(toJSON(list(made_with = list(R = R.version.string, rpact = as.character(packageVersion("rpact"))), runs = found),
  digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "null"), "\n")
