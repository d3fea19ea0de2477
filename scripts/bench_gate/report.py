"""The figures of `make bench-gate` as Markdown tables."""


def text(result):
    lines = []
    ours = result["voxgate"]
    rate = float(result["options"]["rate"])
    lines += [f"## Voxgate on {result['cores']} cores, generator beside it on the same cores", ""]
    lines += [f"Limits raised and counted on: {', '.join(ours['limits_set_on']) or 'the organisation, by configuration'}.", ""]
    lines += saturation_table(ours["saturation"])
    lines += [f"At {rate:.0f} requests/s, open schedule, medians of {result['options']['rounds']} rounds:", ""]
    fixed = ours["fixed"]
    lines += fixed_table({name: (fixed[name], fixed["health"]) for name in fixed})
    if "engine_ms" in ours:
        parts = ", ".join(f"{part} {value:.3f} ms" for part, value in ours["engine_ms"].items())
        lines += [f"Of a metered request, on average: {parts} (wait for a synthesis thread, synthesis, encoding).", ""]
    for name, found in ours["under_5ms"].items():
        if found:
            lines.append(
                f"Highest rate tried with p99 under 5 ms, {name}: {found['rate']:.0f} requests/s "
                f"(p99 {found['p99_ms']:.2f} ms, {found['cpu_us']:.0f} µs of processor time each)."
            )
        else:
            lines.append(f"No rate tried had p99 under 5 ms, {name}.")
    memory = ours["rss_mb"]
    lines += ["", f"Memory: {memory['warm']:.1f} MB warm, {memory['peak']:.1f} at most, {memory['end']:.1f} at the end."]
    if ours["soak"]:
        lines += ["", "| requests | resident MB |", "| --- | --- |"]
        lines += [f"| {row['requests']} | {row['rss_mb']:.1f} |" for row in ours["soak"]]
    lines += ["", f"Metered requests answered: {ours['metered_answered']}, in the usage records: {ours['metered_recorded']}."]
    if "given_up" in ours:
        lines.append(f"(The generator gave up waiting for {ours['given_up']} more, so the records may hold these too.)")
    lines.append("")
    if "litellm" in result:
        lines += peer(result["litellm"], ours)
    elif "litellm_error" in result:
        lines += [f"LiteLLM was left out: {result['litellm_error']}", ""]
    return "\n".join(lines)


def saturation_table(saturation):
    lines = ["As fast as it goes, every connection busy:", ""]
    lines += ["| case | requests/s | p50 ms | p99 ms | server CPU µs each | generator CPU µs each |", "| --- | --- | --- | --- | --- | --- |"]
    for name, run in saturation.items():
        latency = run["latency"]
        lines.append(
            f"| {name} | {run['per_second']:.0f} | {latency['p50_ms']:.2f} | {latency['p99_ms']:.2f} "
            f"| {run['cpu_us']:.0f} | {run['generator_cpu_us']:.0f} |"
        )
    return [*lines, ""]


def fixed_table(rows):
    """Rows of (figures, those of the case they are compared with)."""
    lines = ["| case | p50 ms | p99 ms | p99.9 ms | server CPU µs each | added p50 | added p99 | added CPU µs |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, (run, base) in rows.items():
        latency, bare = run["latency"], base["latency"]
        cpu = f"{run['cpu_us']:.0f}" if "cpu_us" in run else "-"
        added = ["", "", ""]
        if run is not base:
            added = [f"{latency[p] - bare[p]:.3f}" for p in ("p50_ms", "p99_ms")]
            added.append(f"{run['cpu_us'] - base.get('cpu_us', 0):.0f}" if "cpu_us" in run else "-")
        lines.append(
            f"| {name} | {latency['p50_ms']:.3f} | {latency['p99_ms']:.3f} | {latency['p999_ms']:.3f} | {cpu} | {' | '.join(added)} |"
        )
    return [*lines, ""]


def peer(litellm, ours):
    lines = [f"## {litellm['requirement']}, one worker", "", f"Limits it says are on: {', '.join(litellm['limits_on'])}.", ""]
    lines += saturation_table(litellm["saturation"])
    lines += [f"Both at {litellm['rate']} requests/s, half of what LiteLLM's gated route does:", ""]
    fixed, at_rate = litellm["fixed"], ours["at_peer_rate"]
    lines += fixed_table(
        {
            "LiteLLM: provider without proxy": (fixed["direct"], fixed["direct"]),
            "LiteLLM: proxy, no key, no limits": (fixed["open"], fixed["direct"]),
            "LiteLLM: proxy, key and limits": (fixed["gated"], fixed["direct"]),
            "Voxgate: health": (at_rate["health"], at_rate["health"]),
            "Voxgate: metered": (at_rate["metered"], at_rate["health"]),
        }
    )
    # Processor time at saturation: at a few requests a second, upkeep and commits of one request each weigh more than work.
    theirs, own = litellm["saturation"], ours["saturation"]
    gate = {
        "LiteLLM (gated - open)": (fixed["gated"], fixed["open"], theirs["gated"], theirs["open"]),
        "LiteLLM, whole proxy (gated - direct)": (fixed["gated"], fixed["direct"], theirs["gated"], {"cpu_us": 0}),
        "Voxgate (metered - health, engine included)": (at_rate["metered"], at_rate["health"], own["metered"], own["health"]),
        "Voxgate, whole server (metered)": (at_rate["metered"], None, own["metered"], {"cpu_us": 0}),
    }
    lines += ["What keys, limits and metering add; latency at that rate, processor time at saturation:", ""]
    lines += ["| | p50 ms | p99 ms | CPU µs |", "| --- | --- | --- | --- |"]
    for name, (run, base, busy, busy_base) in gate.items():
        p50, p99 = (run["latency"][p] - (base["latency"][p] if base else 0) for p in ("p50_ms", "p99_ms"))
        lines.append(f"| {name} | {p50:.3f} | {p99:.3f} | {busy['cpu_us'] - busy_base['cpu_us']:.0f} |")
    lines += ["", f"Memory of LiteLLM: {litellm['rss_mb']['open']:.0f} MB open, {litellm['rss_mb']['gated']:.0f} MB gated.", ""]
    return lines
