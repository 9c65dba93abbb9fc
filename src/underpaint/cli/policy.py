"""``underpaint policy``: look at and try the policy that decides about prompts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output, plural
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.stages.serve.security.policy_trial import Passed, Trial
    from underpaint.stages.serve.security.prompt_filter import PromptFilter
    from underpaint.stages.serve.security.prompt_policy import PromptPolicy

EXAMPLES = """examples:
  underpaint policy show
  underpaint policy check mine.json
  underpaint policy check mine.json --prompts prompts.txt
  underpaint policy check --prompts artifacts/stickers-64 --expect allow
  underpaint policy check mine.json --prompts bad.txt --expect block --disguised

exit codes: 1 if --expect is given and something else is decided about a prompt; else as those of underpaint
"""
SHOWN = 20
UNEXPECTED = 1
"""Exit code where something else was decided than was expected."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("show", help="print the default policy", description="Print the default policy, to begin with.")
    check = actions.add_parser(
        "check", help="check a policy, and try it", description="Check a policy, and say what it does with prompts."
    )
    check.add_argument("policy", metavar="FILE", nargs="?", help="JSON or YAML (default: the policy in the package)")
    check.add_argument("--prompts", metavar="FILE", help="prompts to try: .txt, .csv, .jsonl, or a data set")
    check.add_argument(
        "--expect", choices=("block", "flag", "log", "allow"), help="fail unless this is decided about each of them"
    )
    check.add_argument(
        "--disguised", action="store_true", help="also say how often disguises get blocked prompts past it"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Print the default policy, or check one and try it."""
    from pathlib import Path

    from underpaint.core.config import parse_json
    from underpaint.stages.serve.security.prompt_filter import PromptFilter
    from underpaint.stages.serve.security.prompt_policy import default_policy, default_text, read_prompt_policy

    if args.action == "show":
        output.result(default_text().rstrip(), parse_json(default_text()))
        return 0
    if args.prompts is None and (args.expect or args.disguised):
        raise InputError("--expect and --disguised say something about prompts; give some with --prompts FILE")
    policy = read_prompt_policy(Path(args.policy)) if args.policy else default_policy()
    prompt_filter = PromptFilter(policy)
    if args.prompts is None:
        output.result(f"{policy.title}: {plural(len(policy.rules), 'rules')}", _summary(policy))
        return 0
    return _try(args, output, prompt_filter)


def _try(args: argparse.Namespace, output: Output, prompt_filter: PromptFilter) -> int:
    from pathlib import Path

    from underpaint.stages.serve.security.policy_trial import prompts_of, try_disguises, try_policy

    prompts = prompts_of(Path(args.prompts))
    trial = try_policy(prompt_filter, prompts, report=output.report)
    unexpected = _unexpected(trial, args.expect)
    passed = try_disguises(prompt_filter, prompts, report=output.report) if args.disguised else []
    verdict = _verdict(unexpected, args.expect, len(trial.prompts)) if unexpected else ""
    data = _as_data(prompt_filter, trial, passed) | {"expected": args.expect, "unexpected": len(unexpected)}
    output.result(_describe(prompt_filter, trial, passed) + verdict, data)
    return UNEXPECTED if unexpected else 0


def _unexpected(trial: Trial, expected: str | None) -> list[str]:
    """Return a line for each prompt about which something else was decided; none if nothing is expected."""
    from underpaint.stages.serve.security.policy_trial import action_of

    pairs = zip(trial.prompts, trial.decisions, strict=True)
    return [
        f"{action_of(decision)} by {'no rule' if decision is None else decision.rule}: {prompt[:80]}"
        for prompt, decision in pairs
        if expected is not None and action_of(decision) != expected
    ]


def _verdict(unexpected: list[str], expected: str, tried: int) -> str:
    head = f"{len(unexpected):,} of {plural(tried, 'prompts')}: not {expected}"
    rest = [f"and {len(unexpected) - SHOWN:,} more"] if len(unexpected) > SHOWN else []
    return "".join(f"\n{line}" for line in [head, *unexpected[:SHOWN], *rest])


def _summary(policy: PromptPolicy) -> dict[str, Any]:
    rules = [{"id": rule.id, "action": rule.action, "about": rule.about} for rule in policy.rules]
    return {"policy": policy.title, "digest": policy.digest(), "rules": rules}


def _describe(prompt_filter: PromptFilter, trial: Trial, passed: list[Passed]) -> str:
    counted = ", ".join(f"{count:,} {action}" for action, count in trial.actions.most_common())
    microseconds = 1e6 * trial.seconds / len(trial.prompts)
    lines = [
        f"{prompt_filter.title}: {plural(len(trial.prompts), 'prompts')}: {counted}; "
        f"{microseconds:.0f} microseconds a prompt"
    ]
    lines += [f"  {count:7,}  {rule}" for rule, count in trial.rules.most_common()]
    noticed = [
        f"  {decision.action:5}  {decision.rule}: {' + '.join(decision.hits[0].words)} "
        f"({', '.join(dict.fromkeys(decision.hits[0].how))}) in {prompt[:60]!r}"
        for prompt, decision in zip(trial.prompts, trial.decisions, strict=True)
        if decision is not None and decision.hits
    ]
    lines += noticed[:SHOWN] + ([f"  and {len(noticed) - SHOWN:,} more"] if len(noticed) > SHOWN else [])
    if passed:
        lines.append(f"past it in disguise, of {passed[0].tried:,} blocked as they are (95 % interval):")
    lines += [f"  {_share(one)}  {one.name}" for one in passed]
    return "\n".join(lines)


def _share(passed: Passed) -> str:
    low, high = passed.interval
    return f"{passed.passed:5,}  {100 * low:3.0f}-{100 * high:3.0f} %"


def _as_data(prompt_filter: PromptFilter, trial: Trial, passed: list[Passed]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        **_summary(prompt_filter.policy),
        "prompts": len(trial.prompts),
        "actions": dict(trial.actions),
        "hits": dict(trial.rules),
        "microseconds": 1e6 * trial.seconds / len(trial.prompts),
        "decisions": [
            {"prompt": prompt, **({"action": "refused"} if decision is None else asdict(decision))}
            for prompt, decision in zip(trial.prompts, trial.decisions, strict=True)
            if decision is None or decision.hits
        ],
        "disguises": [asdict(one) | {"interval": one.interval} for one in passed],
    }
