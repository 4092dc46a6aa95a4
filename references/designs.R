# Frozen values of rpact for the designs room: bounds, events, patients, power, event probabilities.
# Prints one JSON object; time is in years throughout.
suppressPackageStartupMessages({library(rpact); library(jsonlite)})

bounds <- list(); i <- 0
add_bounds <- function(...) {
  d <- getDesignGroupSequential(sided = 1, ...)
  ch <- getDesignCharacteristics(d)
  list(fractions = d$informationRates, critical = d$criticalValues,
       futility = if (is.null(d$futilityBounds)) numeric(0) else d$futilityBounds,
       alpha_spent = d$alphaSpent, inflation = ch$inflationFactor,
       information_h0 = ch$averageSampleNumber0, information_h1 = ch$averageSampleNumber1)
}
timings <- list(even2 = c(.5, 1), even3 = (1:3) / 3, even5 = (1:5) / 5, late = c(.6, 1), uneven = c(.3, .45, .8, 1))
families <- list(
  list(name = "obrien-fleming", type = "OF", par = list()),
  list(name = "pocock", type = "P", par = list()),
  list(name = "wang-tsiatis", type = "WT", par = list(deltaWT = .25)),
  list(name = "lan-demets-obrien-fleming", type = "asOF", par = list()),
  list(name = "lan-demets-pocock", type = "asP", par = list()),
  list(name = "hwang-shih-decani", type = "asHSD", par = list(gammaA = -4)),
  list(name = "kim-demets", type = "asKD", par = list(gammaA = 2)))
for (t in names(timings)) for (f in families) {
  i <- i + 1
  got <- do.call(add_bounds, c(list(alpha = .025, beta = .2, informationRates = timings[[t]], typeOfDesign = f$type), f$par))
  parameter <- if (length(f$par)) f$par[[1]] else NULL
  bounds[[i]] <- c(list(timing = t, family = f$name, parameter = parameter), got)
}
futility <- list(); i <- 0
for (t in c("even3", "late", "uneven")) for (binding in c(FALSE, TRUE)) for (f in list(
  list(name = "lan-demets-obrien-fleming", a = "asOF", b = "bsOF", ga = NULL, gb = NULL),
  list(name = "hwang-shih-decani", a = "asHSD", b = "bsHSD", ga = -4, gb = -2),
  list(name = "kim-demets", a = "asKD", b = "bsKD", ga = 3, gb = 2))) {
  i <- i + 1
  args <- list(alpha = .025, beta = .1, informationRates = timings[[t]], typeOfDesign = f$a, typeBetaSpending = f$b, bindingFutility = binding)
  if (!is.null(f$ga)) args <- c(args, list(gammaA = f$ga, gammaB = f$gb))
  futility[[i]] <- c(list(timing = t, family = f$name, parameter = f$ga, futility_parameter = f$gb, binding = binding), do.call(add_bounds, args))
}

fixed <- list(); i <- 0
for (hr in c(.5, .7)) for (follow in c(1, 3)) for (dropout in c(0, .05)) for (ratio in c(1, 2)) {
  i <- i + 1
  s <- getSampleSizeSurvival(alpha = .025, beta = .2, sided = 1, hazardRatio = hr, median2 = 1, accrualTime = c(0, 2), followUpTime = follow,
    dropoutRate1 = dropout, dropoutRate2 = dropout, dropoutTime = 1, allocationRatioPlanned = ratio)
  fixed[[i]] <- list(hazard_ratio = hr, median = 1, accrual = 2, follow_up = follow, dropout_hazard = -log(1 - dropout), ratio = ratio,
    n = as.numeric(s$numberOfSubjects), events = as.numeric(s$eventsFixed))
}

sequential <- list(); i <- 0
d1 <- getDesignGroupSequential(sided = 1, alpha = .025, beta = .2, informationRates = c(.6, 1), typeOfDesign = "asOF")
d2 <- getDesignGroupSequential(sided = 1, alpha = .025, beta = .1, informationRates = (1:3) / 3, typeOfDesign = "asHSD", gammaA = -4,
  typeBetaSpending = "bsHSD", gammaB = -2, bindingFutility = FALSE)
for (d in list(list(name = "lan-demets", d = d1), list(name = "hsd-futility", d = d2))) for (kappa in c(1, 1.5)) {
  i <- i + 1
  drop <- if (kappa == 1) .025 else 0 # rpact has no dropout with a Weibull shape
  s <- getSampleSizeSurvival(d$d, hazardRatio = .6, median2 = 1, kappa = kappa, accrualTime = c(0, 2), followUpTime = 1,
    dropoutRate1 = drop, dropoutRate2 = drop, dropoutTime = 1)
  sequential[[i]] <- list(design = d$name, shape = kappa, dropout_hazard = -log(1 - drop), n = as.numeric(s$maxNumberOfSubjects), events = as.numeric(s$maxNumberOfEvents),
    analysis_times = as.numeric(s$analysisTime), critical_hazard_ratio = as.numeric(s$criticalValuesEffectScale),
    expected_events_h1 = as.numeric(s$expectedEventsH1))
}
power <- list(); i <- 0
for (hr in c(.5, .6, .7, 1)) {
  i <- i + 1
  p <- getPowerSurvival(d1, hazardRatio = hr, median2 = 1, accrualTime = c(0, 2), maxNumberOfSubjects = 200, maxNumberOfEvents = 120,
    dropoutRate1 = .025, dropoutRate2 = .025, dropoutTime = 1, directionUpper = FALSE)
  power[[i]] <- list(hazard_ratio = hr, power = as.numeric(p$overallReject), early = as.numeric(p$earlyStop),
    analysis_times = as.numeric(p$analysisTime), expected_events = as.numeric(p$expectedNumberOfEvents))
}

events <- list(); i <- 0
for (kappa in c(.7, 1, 2)) {
  i <- i + 1
  drop <- if (kappa == 1) .1 else 0
  e <- getEventProbabilities(time = c(1, 2, 3, 5), accrualTime = c(0, 1, 2, 2.5), accrualIntensity = c(20, 60, 100), kappa = kappa,
    lambda2 = .5, hazardRatio = .6, dropoutRate1 = drop, dropoutRate2 = drop, dropoutTime = 1)
  events[[i]] <- list(shape = kappa, rate = .5, hazard_ratio = .6, dropout_hazard = -log(1 - drop), cuts = c(1, 2), rates = c(20, 60, 100), duration = 2.5,
    times = c(1, 2, 3, 5), control = as.numeric(e$eventProbabilities2), experimental = as.numeric(e$eventProbabilities1))
}
piecewise <- getEventProbabilities(time = c(1, 2, 3, 5), accrualTime = c(0, 2), accrualIntensity = 60, piecewiseSurvivalTime = c(0, .5, 1.5),
  lambda2 = c(.8, .4, .1), hazardRatio = .6)
noninferiority <- getSampleSizeSurvival(alpha = .025, beta = .2, sided = 1, thetaH0 = 1.3, hazardRatio = 1, pi2 = .2, eventTime = 3,
  accrualTime = c(0, 3), followUpTime = 3)

cat(toJSON(list(
  made_with = list(R = R.version.string, rpact = as.character(packageVersion("rpact"))),
  bounds = bounds, futility = futility, fixed = fixed, sequential = sequential, power = power, events = events,
  piecewise = list(cuts = c(.5, 1.5), rates = c(.8, .4, .1), hazard_ratio = .6, times = c(1, 2, 3, 5),
    control = as.numeric(piecewise$eventProbabilities2), experimental = as.numeric(piecewise$eventProbabilities1)),
  noninferiority = list(events = as.numeric(noninferiority$eventsFixed), n = as.numeric(noninferiority$numberOfSubjects))
), digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "null"), "\n")
