"""The commands compare, match and prior."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nextarm.cli.options import AssumeOrigin, Json, Out, Package, read_named, read_names, read_numbers
from nextarm.cli.show import cell, emit, grid, plain, show
from nextarm.core.errors import CallError


def compare(
    patients: Annotated[
        list[Path] | None,
        typer.Argument(help="Patients: treated.csv control.csv, or one file with both arms. Without: two arms of the evidence."),
    ] = None,
    arm: Annotated[str | None, typer.Option(help="The treated arm: of the evidence by id, or of the file by name.")] = None,
    control: Annotated[str | None, typer.Option(help="The historical control, likewise.")] = None,
    endpoint: Annotated[str, typer.Option(help="EFS, OS, DFS, RFS.")] = "",
    time: Annotated[float | None, typer.Option(help="Evidence: years at which both arms report.")] = None,
    data_lock: Annotated[str | None, typer.Option(help="Evidence: which analysis, where the arms share several.")] = None,
    milestones: Annotated[str | None, typer.Option(help="Patients: years at which S(t) is compared, such as 2,4.")] = None,
    tau: Annotated[float | None, typer.Option(help="Patients: years up to which RMST counts.")] = None,
    unit: Annotated[str, typer.Option(help="Patients: years, months, weeks or days.")] = "years",
    control_unit: Annotated[str | None, typer.Option(help="... of the control's file, where it has another.")] = None,
    origin: Annotated[str | None, typer.Option(help="Patients: from when both files count time, such as diagnosis.")] = None,
    treated_origin: Annotated[str | None, typer.Option(help="... or of the treated alone.")] = None,
    control_origin: Annotated[str | None, typer.Option(help="... and of the control alone.")] = None,
    landmark_treated: Annotated[float | None, typer.Option(help="Start the treated group's clock at this many years.")] = None,
    landmark_control: Annotated[float | None, typer.Option(help="Start the control group's clock at this many years.")] = None,
    adjust: Annotated[str | None, typer.Option(help="Patients: covariate columns of both files to weight on: age,wbc.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Published baseline table of the control instead: weight the treated to it.")
    ] = None,
    method: Annotated[str, typer.Option(help="With --adjust: entropy or propensity.")] = "entropy",
    estimand: Annotated[str, typer.Option(help="With --adjust: att, atc, ate, or overlap (propensity).")] = "att",
    match_sd: Annotated[bool, typer.Option("--match-sd", help="Match standard deviations too.")] = False,
    least_size: Annotated[float, typer.Option(help="Effective sample size below which it is refused.")] = 10.0,
    cure_model: Annotated[str, typer.Option(help="Model of the cure fractions, or none.")] = "mixture-cure:weibull",
    replicates: Annotated[int, typer.Option(help="Bootstrap replicates (0: none).")] = 0,
    seed: Annotated[int, typer.Option(help="Root of the bootstrap's random numbers.")] = 1,
    assume_origin: AssumeOrigin = False,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    package: Package = "infant-all",
    json: Json = False,
    out: Out = None,
) -> None:
    """Compare with an external control, from patients or from published survival, and say how large a bias would undo the finding.

    Example: nextarm compare treated.csv control.csv --origin diagnosis --milestones 2,4
    Example: nextarm compare --arm blin --control interfant-06-histctrl --endpoint DFS --time 4
    """
    from nextarm import verbs

    if not patients:
        _compare_evidence(
            arm, control, endpoint=endpoint, time=time, data_lock=data_lock, assume_origin=assume_origin, level=level, package=package,
            json=json, out=out,
        )  # fmt: skip
        return
    if len(patients) > 2:
        raise CallError(f"{len(patients)} files of patients", rule="must be one with both arms, or two")
    if time is not None:
        raise CallError("--time", rule="is for arms of the evidence", cure="For patients say --milestones")
    stated = {"treated_origin": treated_origin or origin, "control_origin": control_origin or origin}
    two = len(patients) == 2
    found = verbs.compare_patients(
        patients[0], patients[1] if two else None, arm=arm, control_arm=control, unit=unit, control_unit=control_unit,
        milestones=read_numbers(milestones, "milestones") or (),
        tau=tau, landmark_treated=landmark_treated, landmark_control=landmark_control, adjust=read_names(adjust),
        baseline=baseline, method=method,
        estimand=estimand, standard_deviations=match_sd, least_size=least_size, cure_model=None if cure_model == "none" else cure_model,
        endpoint=endpoint, assume_origin=assume_origin, replicates=replicates, seed=seed, level=level,
        **{k: v for k, v in stated.items() if v},
    )  # fmt: skip
    if json:
        show(found, json=True, out=out)
        return
    read_in = " and ".join(filter(None, (unit, control_unit)))
    lines = [
        "comparison of two arms of one source: whether chance made these groups is for it to say"
        if found.one_analysis
        else "comparison with an external control, not randomised",
        f"{found.labels[0]} against {found.labels[1]}, time from {found.origin}, in years (read in {read_in})",
    ]
    lines.append(
        f"patients {found.n[0]} and {found.n[1]}, events {cell(found.events[0])} and {cell(found.events[1])}, versions {found.versions}"
    )
    if found.weighting is not None:
        lines += ["", *_weights(found.weighting)]
    lines += ["", plain(found)]
    if found.resampled is not None:
        lines += ["", f"bootstrap, {found.resampled.replicates} replicates, weights estimated again"]
        lines += [f"{e.measure:<24}{cell(e.median)} ({cell(e.ci.low)} to {cell(e.ci.high)})" for e in found.resampled.effects]
    for point in found.milestones:
        if point.log_ratio is not None:
            lines += ["", f"at {point.time:g} years: {verbs.sensitivity(point).sentence}"]
    emit("\n".join(lines), out)


def _compare_evidence(
    arm: str | None,
    control: str | None,
    *,
    endpoint: str,
    time: float | None,
    data_lock: str | None,
    assume_origin: bool,
    level: float,
    package: str,
    json: bool,
    out: Path | None,
) -> None:
    """Two arms of the evidence."""
    from nextarm import verbs

    given = {"--arm": arm, "--control": control, "--endpoint": endpoint or None, "--time": time}
    if arm is None or control is None or not endpoint or time is None:
        missing = ", ".join(k for k, v in given.items() if v is None)
        cure = "Or give files of patients: nextarm compare treated.csv control.csv"
        raise CallError(
            f"{missing} not given", rule="arms of the evidence are compared by --arm, --control, --endpoint and --time", cure=cure
        )
    found = verbs.compare(
        arm, control, endpoint=endpoint, time=time, data_lock=data_lock, assume_origin=assume_origin, level=level, package=package
    )
    if json:
        show(found, json=True, out=out)
        return
    tip = verbs.tipping_point(found)
    lines = ["comparison with a historical control, not randomised", plain(found), "", "the smallest bias that would remove the finding"]
    table = tip.table().select(["points_tips", "ratio_tips", "excluded_tips", "drift_sd"])
    lines += [f"{name:<14}{cell(value)}" for name, value in table.to_dicts()[0].items()]
    if found.log_ratio is not None:
        lines.append(verbs.sensitivity(found).sentence)
    emit("\n".join(lines), out)


def match(
    patients: Annotated[Path, typer.Argument(help="CSV: time, event, and covariate columns.")],
    baseline: Annotated[Path | None, typer.Option(help="Published table: covariate, mean (or proportion)[, sd, n].")] = None,
    control: Annotated[Path | None, typer.Option(help="CSV of control patients with the same covariates.")] = None,
    method: Annotated[str | None, typer.Option(help="maic (baseline table), entropy, or propensity (control patients).")] = None,
    estimand: Annotated[str, typer.Option(help="With control patients: att, atc, ate, or overlap (propensity).")] = "att",
    covariates: Annotated[str | None, typer.Option(help="Which covariates, separated by commas (default: all shared).")] = None,
    match_sd: Annotated[bool, typer.Option("--match-sd", help="Match standard deviations too.")] = False,
    least_size: Annotated[float, typer.Option(help="Effective sample size below which it is refused.")] = 10.0,
    common: Annotated[str | None, typer.Option(help="Anchored: the arm that both trials share.")] = None,
    published: Annotated[str | None, typer.Option(help="Anchored: the other treatment's hazard ratio to it: 0.8,0.6,1.1.")] = None,
    adjustment: Annotated[str, typer.Option(help="Anchored: maic, stc or unadjusted.")] = "maic",
    replicates: Annotated[int, typer.Option(help="Anchored: bootstrap replicates (0: none).")] = 0,
    seed: Annotated[int, typer.Option(help="Root of the bootstrap's random numbers.")] = 1,
    unit: Annotated[str, typer.Option(help="Anchored: years, months, weeks or days.")] = "years",
    json: Json = False,
    weights_out: Annotated[Path | None, typer.Option(help="Write the patients with their weights to this CSV.")] = None,
    out: Out = None,
) -> None:
    """Weight patients to a published baseline table (MAIC), or against control patients (entropy balancing, propensity scores).

    Example: nextarm match patients.csv --baseline baseline.csv --weights-out weighted.csv
    """
    from nextarm import verbs

    if (common is None) != (published is None):
        raise CallError("an anchored comparison", rule="needs both --common and --published")
    if common is not None and baseline is None:
        raise CallError("an anchored comparison", rule="needs the --baseline table of the other trial")
    apart: dict[str, object] = {"--control": control, "--method": method, "--covariates": covariates, "--weights-out": weights_out}
    if common is None:
        apart = {"--replicates": replicates or None, "--adjustment": None if adjustment == "maic" else adjustment}
    if unused := [name for name, value in apart.items() if value is not None]:
        rule = "belongs to weights alone" if common is not None else "belongs to an anchored comparison: give --common and --published"
        raise CallError(f"{', '.join(unused)} {'with' if common is not None else 'without'} --common", rule=rule)
    if common is not None:
        ratio = read_numbers(published, "published") or []
        if len(ratio) != 3:
            raise CallError(f"--published {published}", rule="must be the hazard ratio and its two limits, such as 0.8,0.6,1.1")
        anchored = verbs.indirect(
            patients, baseline=baseline, published=(ratio[0], ratio[1], ratio[2]), common=common, unit=unit, method=adjustment,
            standard_deviations=match_sd, least_size=least_size, replicates=replicates, seed=seed,
        )  # fmt: skip
        show(anchored, json=json, out=out)
        return
    found = verbs.match(
        patients, baseline=baseline, control=control, method=method, estimand=estimand, covariates=read_names(covariates),
        standard_deviations=match_sd, least_size=least_size,
    )  # fmt: skip
    if weights_out is not None:
        from nextarm.cli.show import write_file

        write_file(weights_out, verbs.weighted_csv(patients, control, found))
        print(f"written: {weights_out}", file=sys.stderr)
    if json:
        show(found, json=True, out=out)
        return
    emit(
        "\n".join([*_weights(found), *(f"assumed: {t}" for t in found.trail.assumptions), *(f"warning: {t}" for t in found.warnings)]), out
    )


def _weights(found: Any) -> list[str]:
    """A weighting for a person: sizes, balance, histogram."""
    lines = [f"{found.trail.method}; {found.estimand}"]
    for side, n, size in (("treated", found.treated_n, found.treated_size), ("control", found.control_n, found.control_size)):
        if n is not None:
            lines.append(f"{side}: {n} patients, effective sample size {size:.1f}")
    table = found.balance_table()
    lines += ["", *grid(table.columns, [[cell(v) for v in row.values()] for row in table.to_dicts()])]
    return [*lines, "", "weights (mean 1), patients", *found.histogram_lines()]


def prior(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="CSV. Counts and estimates as for pool: study, and estimate with n, or events and n, or se; without an estimate it is "
            "events / n, the share WITH the event. Rates: study, events, years (and piece). Or patients: time, event, arm (the study)."
        ),
    ] = None,
    arms: Annotated[str | None, typer.Option(help="Arms of the evidence, separated by commas.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="The end point.")] = None,
    time: Annotated[float | None, typer.Option(help="Years at which it is reported.")] = None,
    pool_set: Annotated[str, typer.Option(help="Instead of --arms: the rows of a pool set, as nextarm pool takes them.")] = "",
    window: Annotated[float, typer.Option(help="With --pool-set: take rows within this many years of --time.")] = 0.0,
    without: Annotated[str, typer.Option(help="With --pool-set: arms to leave out, separated by commas.")] = "",
    likelihood: Annotated[
        str | None,
        typer.Option(
            help="binomial (default of files), normal (default of arms), poisson, exponential, piecewise-exponential, mixture-cure."
        ),
    ] = None,
    measure: Annotated[str, typer.Option(help="Scale of a normal likelihood: cloglog, logit, log, identity.")] = "cloglog",
    tau: Annotated[str, typer.Option(help="Prior of the between-study sd: half-normal, half-cauchy, uniform.")] = "half-normal",
    tau_scale: Annotated[float | None, typer.Option(help="Its scale (default 1 for binomial counts, 0.5 else).")] = None,
    tau_by: Annotated[str | None, typer.Option(help="Scales by group of studies, as recent=0.3,old=0.8 (column group).")] = None,
    stratum: Annotated[str, typer.Option(help="The group the next study belongs to.")] = "",
    mean: Annotated[str | None, typer.Option(help="Prior of the mean as MEAN,SD on the scale of the prior.")] = None,
    at: Annotated[str | None, typer.Option(help="Covariates of the next study, as year=2025,age=0.4 (columns of the file).")] = None,
    slope_sd: Annotated[float | None, typer.Option(help="Sd of the normal prior of every slope.")] = None,
    cuts: Annotated[str | None, typer.Option(help="Years between pieces, as 1,3.")] = None,
    shared_tau: Annotated[bool, typer.Option("--shared-tau", help="One between-study sd for all pieces.")] = False,
    latency: Annotated[str, typer.Option(help="Latency of a cure prior: common, one-tau, separate.")] = "common",
    latency_model: Annotated[str, typer.Option(help="weibull or exponential.")] = "weibull",
    backbone: Annotated[str, typer.Option(help="Agent that every arm must have had.")] = "",
    no_remission: Annotated[
        str, typer.Option(help="DFS to EFS from diagnosis: patients without remission as FAILED/N, or an arm of the evidence.")
    ] = "",
    remission_at: Annotated[float | None, typer.Option(help="Years from diagnosis to remission.")] = None,
    time_origin: Annotated[str, typer.Option(help="Where the time of a file starts.")] = "not-stated",
    parameter: Annotated[str, typer.Option(help="What a file's estimates are: survival, event-probability, event-rate, mean.")] = "",
    assume_origin: AssumeOrigin = False,
    robust: Annotated[float, typer.Option(help="Weight of a vague component added to the mixture.")] = 0.0,
    horizon: Annotated[float | None, typer.Option(help="Years a new patient is followed: turns rates into patients.")] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    percent: Annotated[bool, typer.Option("--percent", help="Estimates and limits are in percent.")] = False,
    unit: Annotated[str, typer.Option(help="Unit of time of a patients file.")] = "years",
    package: Package = "infant-all",
    json: Json = False,
    out: Out = None,
) -> None:
    """Predictive prior of a new arm from earlier studies: its mixture, what it is worth in patients and events.

    --json --out prior.json keeps it with end point, time, origin and arms, so that a later step can refuse what does not fit.

    Example: nextarm prior --arms blin --endpoint DFS --time 4 --tau-scale 0.3 --robust 0.2 --backbone blinatumomab
    """
    from nextarm import verbs

    pair = read_numbers(mean, "mean")
    if pair is not None and len(pair) != 2:
        raise CallError(f"--mean {mean!r}", rule="must be MEAN,SD")
    found = verbs.prior(
        data,
        arms=read_names(arms),
        endpoint=endpoint,
        time=time,
        pool_set=pool_set,
        window=window,
        without=read_names(without),
        likelihood=likelihood,
        measure=measure,
        tau=tau,
        tau_scale=tau_scale,
        tau_by=read_named(tau_by, "tau-by"),
        stratum=stratum,
        mean_prior=(pair[0], pair[1]) if pair else None,
        new=read_named(at, "at"),
        slope_sd=slope_sd,
        cuts=read_numbers(cuts, "cuts") or (),
        shared_tau=shared_tau,
        latency=latency,
        latency_model=latency_model,
        backbone=backbone,
        no_remission=no_remission,
        remission_at=remission_at,
        time_origin=time_origin,
        parameter=parameter,
        assume_origin=assume_origin,
        robust=robust,
        horizon=horizon,
        level=level,
        percent=percent,
        unit=unit,
        package=package,
    )
    if json:
        show(found, json=True, out=out)
        return
    numbers = [f"{name:<12}{cell(value)}" for name, value in found.summary.items() if value is not None]
    term = found.induction
    shown = [f"P(remission) {term.mean:.3f} ({term.low:.3f} to {term.high:.3f}), {term.label}", ""] if term else []
    off = f" ({found.divergence:.2g} nats from the prior)" if found.divergence is not None and found.model == "" else ""
    lines = [plain(found), "", "predictive distribution", *numbers, "", *shown, f"mixture on the {found.scale} scale{off}"]
    emit("\n".join([*lines, *verbs.prior_lines(found)]), out)
