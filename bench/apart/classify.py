#!/usr/bin/python3
"""Whether a guard can tell Tunic from tor: a classifier learns from what it sees of two minutes of a
client (guard.py), and is asked about runs that it has not seen. AUC 0.5: it guesses; 1: it knows.

usage: bench/apart/classify.py FILE...      files that `bench/apart/run --keep FILE` made
"""

import argparse
import collections
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
sys.path[:0] = [HERE, BENCH, os.path.join(os.path.dirname(BENCH), "tests", "net")]

try:
    import numpy
    from sklearn import ensemble, impute, linear_model, metrics, model_selection, pipeline
    from sklearn import preprocessing
except ImportError as missing:
    sys.exit("classify: not run, for it needs Debian's python3-sklearn: %s" % missing)

import apart    # noqa: E402
import guard    # noqa: E402

FOLDS = 5
SHOWN = 25


def table(runs):
    """(names, matrix, is Tunic, group): a group is what had the same pages."""
    seen = [guard.features(run) for run in runs]
    names = sorted({name for f in seen for name in f})
    rows = numpy.array([[f.get(name, 0.0) for name in names] for f in seen])
    return (names, rows, numpy.array([run.who == "tunic" for run in runs]),
            numpy.array([run.seed for run in runs]))


def models(seed):
    fill = impute.SimpleImputer(strategy="constant", fill_value=-1)
    return {
        "random forest": pipeline.make_pipeline(
            fill, ensemble.RandomForestClassifier(400, min_samples_leaf=2, random_state=seed)),
        "gradient boosting": pipeline.make_pipeline(
            fill, ensemble.GradientBoostingClassifier(n_estimators=100, max_depth=2, subsample=0.7,
                                                      random_state=seed)),
        "logistic regression": pipeline.make_pipeline(
            fill, preprocessing.StandardScaler(),
            linear_model.LogisticRegression(C=0.02, max_iter=2000)),
    }


def fold_scores(model, rows, ours, groups, seed):
    """For each run, what a model says that has seen none of its group."""
    dice = numpy.random.default_rng(seed)
    order = {g: i for i, g in enumerate(dice.permutation(numpy.unique(groups)))}
    shuffled = numpy.array([order[g] for g in groups])
    return model_selection.cross_val_predict(
        model, rows, ours, groups=shuffled, method="predict_proba",
        cv=model_selection.GroupKFold(min(FOLDS, len(order))))[:, 1]


def confidence(ours, scores, dice, n=2000):
    """95 of 100 draws of as many runs lie in it."""
    values = []
    for _ in range(n):
        drawn = dice.integers(0, len(ours), len(ours))
        if 0 < ours[drawn].sum() < len(ours):
            values.append(metrics.roc_auc_score(ours[drawn], scores[drawn]))
    return numpy.percentile(values, [2.5, 97.5])


def one_by_one(names, rows, ours):
    """[(AUC of the feature alone, name, tor's median, Tunic's)], what tells most first."""
    found = []
    for i, name in enumerate(names):
        column = numpy.nan_to_num(rows[:, i], nan=-1)
        auc = metrics.roc_auc_score(ours, column)
        found.append((max(auc, 1 - auc), name, numpy.median(column[~ours]),
                      numpy.median(column[ours])))
    return sorted(found, reverse=True)


def judge(runs, seeds):
    names, rows, ours, groups = table(runs)
    print("%d runs of tor, %d of Tunic, %d features" % ((~ours).sum(), ours.sum(), len(names)))
    dice = numpy.random.default_rng(1)
    for name in models(0):
        aucs, scores = [], numpy.zeros(len(ours))
        for seed in range(seeds):
            found = fold_scores(models(seed)[name], rows, ours, groups, seed)
            aucs.append(metrics.roc_auc_score(ours, found))
            scores += found
        lo, hi = confidence(ours, scores, dice)
        print("  %-20s AUC %.2f (by seed %.2f to %.2f; 95%%: %.2f to %.2f)" % (
            name, numpy.mean(aucs), min(aucs), max(aucs), lo, hi))
    print_features(names, rows, ours)


def print_features(names, rows, ours):
    forest = models(0)["random forest"].fit(rows, ours)[-1]
    weight = collections.Counter(dict(zip(names, forest.feature_importances_)))
    print("  features alone: AUC, weight in the forest, tor's median, Tunic's")
    for auc, name, tors, mine in one_by_one(names, rows, ours)[:SHOWN]:
        print("    %.2f  %.3f  %9.4g %9.4g  %s" % (auc, weight[name], tors, mine, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    runs = apart.load(options.files)
    for how in ("cold", "warm"):
        of_start = [run for run in runs if run.how == how]
        if of_start:
            print("%s start: " % how, end="")
            judge(of_start, options.seeds)
    print("all: ", end="")
    judge(runs, options.seeds)


if __name__ == "__main__":
    main()
