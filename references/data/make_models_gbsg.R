# Makes validation/data/models_gbsg.csv: recurrence-free survival (days) of the 686 women of the German breast cancer study in
# survival::gbsg (LGPL-2+), in three equal groups of Sauerbrei and Royston's prognostic index (model III of 1999,
# doi 10.1111/1467-985X.00122), which is how the data set "bc" of flexsurv was made. Run once, in references/data.
library(survival)
d <- gbsg
a <- d$age / 50
index <- 1.742 * a^-2 - 7.812 * a^-0.5 + 0.517 * (d$grade >= 2) - 1.981 * exp(-0.12 * d$nodes) - 0.058 * sqrt(d$pgr + 1) - 0.394 * d$hormon
group <- cut(rank(index, ties.method = "first"), c(0, 229, 458, 686), labels = c("Good", "Medium", "Poor"))
out <- data.frame(time = d$rfstime, event = d$status, arm = group)[order(index), ]
write.csv(out, "../../src/nextarm/validation/data/models_gbsg.csv", row.names = FALSE, quote = FALSE)
