# Frozen values of rpact's simulated survival trials for the simulation room. Prints one JSON object; time is in years.
# rpact enters patients at even intervals, this project at random (a Poisson process): the tolerance allows for it.
suppressPackageStartupMessages({library(rpact); library(jsonlite)})

iterations <- 40000
lan <- getDesignGroupSequential(sided = 1, alpha = .025, beta = .2, informationRates = c(.6, 1), typeOfDesign = "asOF")
hsd <- getDesignGroupSequential(sided = 1, alpha = .025, beta = .2, informationRates = c(.4, .7, 1), typeOfDesign = "asHSD", gammaA = -4)
pocock <- getDesignGroupSequential(sided = 1, alpha = .025, beta = .2, informationRates = c(.5, 1), typeOfDesign = "P")

run <- function(label, design, ..., planned, n = 200, allocation = c(1, 1), dropout = .025) {
  s <- getSimulationSurvival(design, directionUpper = FALSE, ..., accrualTime = c(0, 2), maxNumberOfSubjects = n, plannedEvents = planned,
    dropoutRate1 = dropout, dropoutRate2 = dropout, dropoutTime = 1, allocation1 = allocation[1], allocation2 = allocation[2],
    maxNumberOfIterations = iterations, seed = 20261101)
  list(label = label, power = as.numeric(s$overallReject), reject_by_look = as.numeric(s$rejectPerStage), duration = as.numeric(s$studyDuration),
    events = as.numeric(s$expectedNumberOfEvents), subjects = as.numeric(s$expectedNumberOfSubjects))
}
found <- list(
  run("hazard ratio .6", lan, hazardRatio = .6, median2 = 1, planned = c(72, 120)),
  run("hazard ratio 1", lan, hazardRatio = 1, median2 = 1, planned = c(72, 120)),
  run("three looks", hsd, hazardRatio = .65, median2 = 1, planned = c(48, 84, 120)),
  run("two to one, Pocock", pocock, hazardRatio = .55, median2 = 1, planned = c(50, 100), allocation = c(2, 1)),
  run("Weibull", lan, hazardRatio = .6, median2 = 1, kappa = 1.5, planned = c(72, 120), dropout = 0),
  run("piecewise", lan, piecewiseSurvivalTime = list("<0.5" = .8, "0.5 - <1.5" = .4, ">=1.5" = .2), hazardRatio = .6, planned = c(60, 100)))

cat(toJSON(list(
  made_with = list(R = R.version.string, rpact = as.character(packageVersion("rpact"))),
  iterations = iterations, runs = found
), digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "null"), "\n")
