# How far lme4 agrees with itself on the 32 models of several cut-offs: `Rscript docs/evidence/thresholds_lme4.R tests/data/dta`.
# Each model is fitted with the rows in three orders, by lme4's default optimiser (NLopt's BOBYQA) and by minqa's BOBYQA, and set beside the printed
# coefficients of diagmeta 0.5-1 (reference.json) and the fits run to their end (thresholds_lme4.json). Differences as in make_reference.py.
suppressMessages({library(lme4); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
facts <- fromJSON(file.path(folder, "reference.json"))$thresholds
ended <- fromJSON(file.path(folder, "thresholds_lme4.json"))$models
d <- as.data.frame(facts$rows); names(d) <- c("study", "cut", "tp", "fp", "fn", "tn")
structures <- c(CI = "(1|study)", DI = "(1+group|study)", CS = "(0+cut|study)", DS = "(0+cut+group:cut|study)", CICS = "(1+cut|study)",
                DICS = "(1+group+cut|study)", CIDS = "(1+cut+group:cut|study)", DIDS = "(1+group+cut+group:cut|study)")
rows <- function(distribution, scale) {
  below <- c(d$tn, d$fn) + 0.5; n <- c(d$tn + d$fp, d$fn + d$tp) + 1; p <- below / n
  normal <- distribution == "normal"
  data.frame(y = if (normal) qnorm(p) else qlogis(p), w = n * (if (normal) dnorm(qnorm(p))^2 / (p * (1 - p)) else p * (1 - p)),
             group = rep(0:1, each = nrow(d)), cut = rep(if (scale == "cutoff") d$cut else log(d$cut), 2), study = rep(d$study, 2))
}
fit <- function(structure, data, optimiser)
  fixef(suppressWarnings(suppressMessages(lmer(as.formula(paste("y ~ group * cut +", structures[[structure]])), data, weights = w, control = lmerControl(optimizer = optimiser)))))
for (key in names(facts$models)) {
  part <- strsplit(key, "_")[[1]]; data <- rows(part[2], part[3])
  orders <- list(data, data[order(data$study, data$group), ], data[nrow(data):1, ])
  unit <- pmax(abs(facts$models[[key]]$fixed), sqrt(diag(facts$models[[key]]$vcov_fixed)))
  far <- function(a, b) max(abs(a - b) / unit)
  line <- key
  for (optimiser in c("nloptwrap", "bobyqa")) {
    fits <- lapply(orders, function(data) fit(part[1], data, optimiser))
    line <- c(line, sprintf("%.1e", c(max(far(fits[[1]], fits[[2]]), far(fits[[1]], fits[[3]])), max(sapply(fits, far, facts$models[[key]]$fixed)), max(sapply(fits, far, ended[[key]]$fixed)))))
  }
  cat(line, "\n")
}
