"""Fits the coefficients of src/retrieve/calibrate.rs. Needs numpy.

    bench="cargo bench --bench retrieval -- DATA"
    $bench features clapnq > clapnq.tsv
    for l in en de zh; do
        $bench features $l > $l.tsv; $bench apart $l > apart-$l.tsv; $bench parts $l > parts-$l.tsv
    done
    python3 tests/bench/fit_calibration.py --home clapnq.tsv en.tsv,apart-en.tsv parts-en.tsv \
        --abroad de.tsv,apart-de.tsv zh.tsv,apart-zh.tsv parts-de.tsv parts-zh.tsv

Files joined by commas are one collection. Logistic regressions, for languages that
the encoder knows and for others:
- relevance: is this passage the one that answers, among the first ten ranked;
  the intercept is moved so that a score of 0.7, the default threshold, lets the
  wanted share of right passages pass;
- found: does any passage answer, by the scores of the search;
- read (home): does any passage answer, by reading the first; for every set of
  features with folds of ten, whose questions are about other titles than those
  that were fitted to, and with each collection left out of the fit;
- likelihood (home): of the evidence in force, what share of the questions is answered,
  fitted to the first collection as it is, by folds, and tried on the others.
What is asked `apart` of its passage or its article teaches whether anything
answers and nothing else. Every collection weighs the same, and in each the right
ones weigh what the wrong do.
"""

import argparse

import numpy

PASSED = 0.95
THRESHOLD = 0.7
RELEVANCE = ["cosine", "coverage", "best_cosine", "best_coverage"]
FOUND = ["best_cosine", "first_coverage"]
READ = ["sentence", "asked"]
CANDIDATES = [
    FOUND,
    ["sentence"],
    ["asked"],
    READ,
    ["first_cosine", "asked"],
    [*READ, "first_coverage"],
    [*READ, "first_cosine"],
    [*READ, "margin"],
]
ANSWERED = 0.95
FOLDS = 10
BINS = 10
IN_FORCE = numpy.array([7.77, 8.15, -8.5])
SHUFFLES = 5


def read(paths):
    """The rows of files joined by commas, a list for each question."""
    questions = {}
    for path in paths.split(","):
        with open(path, encoding="utf-8") as lines:
            names = next(lines).rstrip("\n").split("\t")
            for line in lines:
                row = dict(zip(names, line.rstrip("\n").split("\t")))
                key = row["collection"], row["question"]
                numbers = {n: float(v) for n, v in row.items() if n != "collection"}
                numbers["apart"] = row["collection"].endswith(("-unjudged", "-other-titles"))
                numbers["collection"] = row["collection"]
                questions.setdefault(key, []).append(numbers)
    for rows in questions.values():
        rows.sort(key=lambda row: row["rank"])
        for row in rows:
            row["best_cosine"] = max(r["cosine"] for r in rows)
            row["best_coverage"] = max(r["coverage"] for r in rows)
            row["first_cosine"] = rows[0]["cosine"]
            row["first_coverage"] = rows[0]["coverage"]
            row["margin"] = rows[0]["fused"] - (rows[1]["fused"] if len(rows) > 1 else 0.0)
    return list(questions.values())


def balanced(labels):
    """Weights that sum to one, half for each class."""
    share = labels.mean()
    if share in (0.0, 1.0):
        return numpy.full(len(labels), 1.0 / len(labels))
    return numpy.where(labels == 1, 0.5 / share, 0.5 / (1 - share)) / len(labels)


def fit(parts, rounds=60, ridge=1e-6):
    """Weights of a logistic regression, the intercept last (Newton's method)."""
    inputs = numpy.vstack([features for features, _ in parts])
    inputs = numpy.hstack([inputs, numpy.ones((len(inputs), 1))])
    labels = numpy.concatenate([labels for _, labels in parts])
    weight = numpy.concatenate([balanced(labels) for _, labels in parts])
    beta = numpy.zeros(inputs.shape[1])
    for _ in range(rounds):
        guess = 1 / (1 + numpy.exp(-inputs @ beta))
        slope = inputs.T @ (weight * (labels - guess)) - ridge * beta
        curve = (inputs.T * (weight * guess * (1 - guess))) @ inputs
        beta += numpy.linalg.solve(curve + ridge * numpy.eye(len(beta)), slope)
    return beta


def apply(beta, features):
    return 1 / (1 + numpy.exp(-(features @ beta[:-1] + beta[-1])))


def area(scores, labels):
    """Area under the ROC curve."""
    right, wrong = scores[labels == 1], scores[labels == 0]
    if not len(right) or not len(wrong):
        return float("nan")
    order = numpy.sort(wrong)
    below = numpy.searchsorted(order, right, "left") + numpy.searchsorted(order, right, "right")
    return below.mean() / (2 * len(wrong))


def table(rows, names, label):
    features = numpy.array([[row[name] for name in names] for row in rows])
    return features, numpy.array([float(row[label] > 0) for row in rows])


def relevance(files):
    files = {path: [rows for rows in found if not rows[0]["apart"]] for path, found in files.items()}
    parts = {
        path: table([row for rows in found for row in rows], RELEVANCE, "grade")
        for path, found in files.items()
    }
    beta = fit(list(parts.values()))
    right = numpy.concatenate([f[y == 1] for f, y in parts.values()]) @ beta[:-1]
    beta[-1] = numpy.log(THRESHOLD / (1 - THRESHOLD)) - numpy.quantile(right, 1 - PASSED)
    print("relevance ", dict(zip([*RELEVANCE, "intercept"], beta.round(2).tolist())))
    for path, found in files.items():
        kept, wrong, noise = [], [], []
        for rows in found:
            features, labels = table(rows, RELEVANCE, "grade")
            passes = apply(beta, features) >= THRESHOLD
            if rows[0]["answerable"]:
                kept.append((passes & (labels == 1)).any())
                wrong.append((passes & (labels == 0))[:4].sum())
            else:
                noise.append(passes.any())
        print(
            f"  {path}: AUC {area(apply(beta, parts[path][0]), parts[path][1]):.4f}; right passage passes "
            f"{numpy.mean(kept):.3f}, wrong ones with it {numpy.mean(wrong):.2f}; "
            f"unanswerable with any {numpy.mean(noise) if noise else float('nan'):.3f}"
        )


def found(files):
    parts = {
        path: table([rows[0] for rows in found], FOUND, "answerable") for path, found in files.items()
    }
    beta = fit([part for part in parts.values() if part[1].min() == 0])
    print("found", dict(zip([*FOUND, "intercept"], beta.round(2).tolist())))
    for path, found in files.items():
        print(f"  {path}: {decided(found, apply(beta, parts[path][0]))}")


def decided(found, *runs, bound=0.5):
    """What a bound does to the questions of each kind, and how well they are told
    apart; the mean over runs, which are scores of all questions."""
    labels = numpy.array([rows[0]["answerable"] for rows in found])
    kinds = numpy.array([rows[0]["collection"] if rows[0]["apart"] else "unanswerable" for rows in found])
    right = [scores[labels == 1] for scores in runs]
    refused = numpy.mean([(own < bound).mean() for own in right])
    line = f"false refusals {refused:.3f}"
    for kind in sorted(set(kinds[labels == 0])):
        chosen = (kinds == kind) & (labels == 0)
        figures = []
        for own, scores in zip(right, runs):
            wrong = scores[chosen]
            truth = numpy.r_[numpy.ones(len(own)), numpy.zeros(len(wrong))]
            auc = area(numpy.concatenate([own, wrong]), truth)
            figures.append([auc, (wrong < bound).mean(), (wrong < numpy.quantile(own, 0.1)).mean()])
        auc, rightly, tenth = numpy.mean(figures, axis=0)
        line += (
            f" | {kind}: AUC {auc:.4f}, refused {rightly:.3f} "
            f"(balanced {(1 - refused + rightly) / 2:.3f}), at 10 % false refusals {tenth:.3f}"
        )
    return line


def crossed(files, names):
    """Scores of each question by fits that have seen no question of its group."""
    parts = {path: table([rows[0] for rows in found], names, "answerable") for path, found in files.items()}
    groups = {path: numpy.array([rows[0]["group"] for rows in found]) for path, found in files.items()}
    for shuffle in range(SHUFFLES):
        random = numpy.random.default_rng(shuffle)
        folds = {
            path: dict(zip(sorted(set(group)), random.permutation(len(set(group))) % FOLDS))
            for path, group in groups.items()
        }
        fold = {path: numpy.array([folds[path][one] for one in group]) for path, group in groups.items()}
        scores = {path: numpy.zeros(len(labels)) for path, (_, labels) in parts.items()}
        for number in range(FOLDS):
            kept = [(f[fold[path] != number], y[fold[path] != number]) for path, (f, y) in parts.items()]
            beta = fit(kept)
            for path, (features, _) in parts.items():
                chosen = fold[path] == number
                scores[path][chosen] = apply(beta, features[chosen])
        yield scores


def reading(files):
    for names in CANDIDATES:
        print("read", names)
        runs = list(crossed(files, names))
        for path, found in files.items():
            print(f"  {path}, by folds: {decided(found, *(scores[path] for scores in runs))}")
    parts = {path: table([rows[0] for rows in found], READ, "answerable") for path, found in files.items()}
    for left_out, found in files.items():
        beta = fit([part for path, part in parts.items() if path != left_out])
        print(f"read {READ}, fitted to the others: {left_out}: {decided(found, apply(beta, parts[left_out][0]))}")
    beta = fit(list(parts.values()))
    print("read as fitted", dict(zip([*READ, "intercept"], beta.round(2).tolist())))
    own = [rows[0] for found in files.values() for rows in found]
    whole = {row["collection"].removesuffix("-unjudged") for row in own if row["apart"]}
    own = [row for row in own if row["collection"] in whole and not row["apart"]]
    features, _ = table(own, READ, "answerable")
    beta[-1] = -numpy.quantile(features @ beta[:-1], 1 - ANSWERED)
    print(f"read, {ANSWERED} of {whole} answered", dict(zip([*READ, "intercept"], beta.round(2).tolist())))
    for path, found in files.items():
        print(f"  {path}: {decided(found, apply(beta, parts[path][0]))}")


def plainly(parts, rounds=60):
    """Slope and intercept of a logistic regression in which each question weighs the same."""
    evidence, labels = parts
    inputs = numpy.column_stack([evidence, numpy.ones(len(evidence))])
    beta = numpy.zeros(2)
    for _ in range(rounds):
        guess = 1 / (1 + numpy.exp(-inputs @ beta))
        curve = (inputs.T * (guess * (1 - guess))) @ inputs
        beta += numpy.linalg.solve(curve + 1e-9 * numpy.eye(2), inputs.T @ (labels - guess))
    return beta


def reliable(scores, labels):
    """Expected calibration error over bins of one width, and the Brier score."""
    bins = numpy.minimum((scores * BINS).astype(int), BINS - 1)
    error = sum(
        abs(scores[bins == n].mean() - labels[bins == n].mean()) * (bins == n).mean()
        for n in set(bins.tolist())
    )
    return numpy.array([error, ((scores - labels) ** 2).mean()])


def likelihood(files):
    def evidence(found):
        features, labels = table([rows[0] for rows in found], READ, "answerable")
        return features @ IN_FORCE[:-1] + IN_FORCE[-1], labels

    def score(beta, values):
        return 1 / (1 + numpy.exp(-(beta[0] * values + beta[1])))

    def named(errors):
        return "calibration error {:.3f}, Brier {:.3f}".format(*errors)

    (path, first), *others = files.items()
    values, labels = evidence(first)
    groups = numpy.array([rows[0]["group"] for rows in first])
    print(f"likelihood, {path}: evidence itself {named(reliable(score((1, 0), values), labels))}")
    runs = []
    for shuffle in range(SHUFFLES):
        order = numpy.random.default_rng(shuffle).permutation(len(set(groups)))
        fold = dict(zip(sorted(set(groups)), order % FOLDS))
        folds = numpy.array([fold[one] for one in groups])
        scores = numpy.zeros(len(labels))
        for number in range(FOLDS):
            kept = folds != number
            scores[~kept] = score(plainly((values[kept], labels[kept])), values[~kept])
        runs.append(reliable(scores, labels))
    print(f"  by folds: {named(numpy.mean(runs, axis=0))}")
    beta = plainly((values, labels))
    print("likelihood", dict(zip(["slope", "intercept"], beta.round(2).tolist())))
    for path, found in others:
        for kind in ("", "-unjudged", "-other-titles"):
            asked = [r for r in found if not r[0]["apart"] or (kind and r[0]["collection"].endswith(kind))]
            values, labels = evidence(asked)
            if labels.min() == labels.max():
                continue
            before, after = (named(reliable(score(one, values), labels)) for one in ((1, 0), beta))
            print(f"  {path}{kind}: evidence itself {before}; calibrated {after}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", nargs="+", required=True)
    parser.add_argument("--abroad", nargs="+", required=True)
    arguments = parser.parse_args()
    for name, paths in (("home", arguments.home), ("abroad", arguments.abroad)):
        print(name)
        opened = {path: read(path) for path in paths}
        relevance(opened)
        found(opened)
        if name == "home":
            reading(opened)
            likelihood(opened)
