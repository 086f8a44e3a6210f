"""Fits the coefficients of src/retrieve/calibrate.rs. Needs numpy.

    bench="cargo bench --bench retrieval -- DATA"
    $bench features clapnq > clapnq.tsv; $bench features en > en.tsv
    for l in en de zh; do $bench parts $l > parts-$l.tsv; done
    python3 tests/bench/fit_calibration.py --home clapnq.tsv en.tsv parts-en.tsv \
        --abroad parts-de.tsv parts-zh.tsv

Four logistic regressions: for languages that the encoder knows and for others,
- relevance: is this passage the one that answers, among the first ten ranked;
  the intercept is moved so that a score of 0.7, the default threshold, lets the
  wanted share of right passages pass;
- answerable: does any passage answer; only collections that also have questions
  without an answer teach it.
Every file weighs the same, and in each the right ones weigh what the wrong do.
"""

import argparse

import numpy

PASSED = 0.95
THRESHOLD = 0.7
RELEVANCE = ["cosine", "coverage", "best_cosine", "best_coverage"]
ANSWERABLE = ["best_cosine", "first_coverage"]


def read(path):
    """The rows of a file, a list for each question."""
    questions = {}
    with open(path, encoding="utf-8") as lines:
        names = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(names, line.rstrip("\n").split("\t")))
            key = row["collection"], row["question"]
            numbers = {n: float(v) for n, v in row.items() if n != "collection"}
            questions.setdefault(key, []).append(numbers)
    for rows in questions.values():
        first = min(rows, key=lambda row: row["rank"])
        for row in rows:
            row["best_cosine"] = max(r["cosine"] for r in rows)
            row["best_coverage"] = max(r["coverage"] for r in rows)
            row["first_coverage"] = first["coverage"]
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


def answerable(files):
    parts = {
        path: table([rows[0] for rows in found], ANSWERABLE, "answerable")
        for path, found in files.items()
    }
    beta = fit([part for part in parts.values() if part[1].min() == 0])
    print("answerable", dict(zip([*ANSWERABLE, "intercept"], beta.round(2).tolist())))
    for path, (features, labels) in parts.items():
        scores = apply(beta, features)
        line = f"  {path}: AUC {area(scores, labels):.4f}; refused of answerable, unanswerable"
        for bound in (0.4, 0.5, 0.6):
            refused = [(scores[labels == y] < bound).mean() if (labels == y).any() else 0 for y in (1, 0)]
            line += f" | below {bound}: {refused[0]:.3f}, {refused[1]:.3f}"
        print(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", nargs="+", required=True)
    parser.add_argument("--abroad", nargs="+", required=True)
    arguments = parser.parse_args()
    for name, paths in (("home", arguments.home), ("abroad", arguments.abroad)):
        print(name)
        opened = {path: read(path) for path in paths}
        relevance(opened)
        answerable(opened)
