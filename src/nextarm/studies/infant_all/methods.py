"""Section 7: methods, limitations, and what a reader must know about the tables."""

from __future__ import annotations

from nextarm.core.trail import Trail
from nextarm.evidence import MARKS, Package
from nextarm.report import Definitions, Details, Heading, Link, ListBlock, Section, number, paragraph, say
from nextarm.studies.infant_all import demonstration

METHODS: tuple[tuple[str, str, str], ...] = (
    (
        "Pooling at one time",
        "Random effects on the complementary log-log scale; variance between cohorts by REML; Hartung-Knapp interval with the ad hoc "
        "correction (standard error never below the fixed-effect one); prediction interval on t with k - 2 degrees of freedom.",
        "10.1186/s12874-015-0091-1",
    ),
    (
        "Trend over eras",
        "Meta-regression on the mid-year of enrolment; exact permutation of years over cohorts; equivalence "
        "by two one-sided tests; posterior "
        "probability with a half-normal prior on the standard deviation between cohorts.",
        "10.1002/sim.1752",
    ),
    (
        "Predictive prior of a next arm",
        "Cohorts and the next arm have normal effects around one mean; the standard deviation between them has a half-normal prior at "
        "three scales; the predictive distribution by quadrature, and a beta mixture fitted to it; robust: with a uniform component.",
        "10.1111/biom.12242",
    ),
    (
        "Worth of a prior in infants",
        "Effective sample size by the expected local information ratio; by matched moments beside it.",
        "10.1111/biom.13252",
    ),
    (
        "Unmeasured confounding",
        "E-value: the smallest association that a confounder must have with both the treatment and the outcome, on the risk-ratio scale, "
        "to explain a comparison away.",
        "10.7326/M16-2607",
    ),
    (
        "External comparison of published landmarks",
        "Difference of two survival estimates by squaring and adding the distances to their printed limits; "
        "implied hazard ratio as the ratio of "
        "cumulative hazards; tipping point as the bias of the control that would bring an interval to no difference.",
        "10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I",
    ),
    (
        "Designs",
        "Expected events by numerical integration over accrual, dropout and survival; power of the log-rank "
        "test from the mean and variance of its "
        "statistic under the two survival functions given, so that a difference in cure fraction is not forced into proportional hazards; "
        "group-sequential bounds by recursive integration of the exact joint distribution.",
        "10.1201/9780367805326",
    ),
    (
        "Simulation",
        "Virtual trials in blocks with counter-based random streams; every rate is given with its Monte-Carlo standard error.",
        "10.1145/2063384.2063405",
    ),
    ("Intervals of counts", "Exact binomial (Clopper-Pearson), computed from the printed events and n.", "10.1093/biomet/26.4.404"),
)

LIMITS = (
    "The tables were read from abstracts, pages and a few full texts; survival figures were not digitised for this report.",
    "Most published survival estimates have no standard error. Where n is known a binomial one is used "
    "and marked; it is too small where infants were "
    "censored early.",
    "Cohorts report at 3 to 6 years. They are carried to one time under a stated assumption, or pooled within a stated window "
    "with the difference in time named.",
    "Diagnosis of KMT2A rearrangement, supportive care and the use of transplantation changed over the same years as chemotherapy did.",
    "Infants with Down syndrome, mixed phenotype or secondary disease are handled as each source does, which is often not stated.",
    "A comparison with a historical control can be wrong in ways no interval shows; the tipping points say how wrong it would have to be.",
)


def section(package: Package) -> Section:
    """Write the section; counts are of the rows of ``package``."""
    trail = Trail(method="counted over the tables of the package", inputs=(f"package {package.name}",))
    tables = [table for name, table in package.tables() if name != "sources" and table]
    named = {package.ref(row).source_id for table in tables for row in table} - {""}
    return Section(
        id="methods",
        title="Methods and limitations",
        lead=say(
            "The package holds ",
            number(sum(map(len, tables)), "count", name="methods.rows", trail=trail),
            " rows in ",
            number(len(tables), "count", name="methods.tables", trail=trail),
            " tables, beside its list of sources, and names ",
            number(len(named), "count", name="methods.sources", trail=trail),
            " sources in them; numbers that rest on an assumption or on simulation are marked. ",
            "The methods are checked against published values and other programs (nextarm verify).",
        ),
        blocks=(
            Heading("Methods"),
            Definitions(tuple((name, say(text + " ", Link(f"doi {doi}", f"https://doi.org/{doi}"))) for name, text, doi in METHODS)),
            *demonstration.blocks(),
            Heading("Limitations"),
            ListBlock(tuple(say(text) for text in LIMITS)),
            Details("What the marks of evidence rows mean", (Definitions(tuple((name, say(text)) for name, text in MARKS.items())),)),
            paragraph(
                "Survival at time 0 is 1 and time is in years throughout; probabilities run from 0 to 1 and are shown in percent; "
                "alpha is one-sided."
            ),
        ),
    )
