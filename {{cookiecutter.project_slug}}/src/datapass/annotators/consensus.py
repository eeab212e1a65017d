"""What the true labels are most likely to be, by the model of Dawid and Skene (Applied Statistics 28, 1979)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

TINY = 1e-300  # stands for a probability of 0, whose logarithm a sum could not hold


@dataclass(frozen=True)
class Consensus:
    """What Dawid and Skene's model makes of the annotations (Applied Statistics 28, 1979).

    Attributes:
        posterior: probability of each class for each example (n x k), indexed by id.
        prevalence: share of each class (k).
        confusion: probability that an annotator (index) answers a class (column) to a true class (second index level).
        log_likelihood: of the annotations, in nats.
    """

    posterior: pd.DataFrame
    prevalence: pd.Series
    confusion: pd.DataFrame
    log_likelihood: float


def dawid_skene(annotations: pd.DataFrame, steps: int = 1000, tolerance: float = 1e-8) -> Consensus:
    """Estimate the true labels and each annotator's errors by maximum likelihood (EM, started at the vote shares).

    Args:
        annotations: columns id, annotator, label; repeated ratings by one annotator count each.
        steps: most EM steps; it ends where the log-likelihood rises by less than `tolerance` nats an example.
    """
    rows, ids = pd.factorize(annotations["id"], sort=True)
    people, names = pd.factorize(annotations["annotator"], sort=True)
    codes, classes = pd.factorize(annotations["label"], sort=True)
    k = len(classes)
    shape = (len(ids), len(names) * k)
    answers = sparse.csr_array((np.ones(len(rows)), (rows, people * k + codes)), shape=shape)  # repeats add up
    truth = np.zeros((len(ids), k))
    np.add.at(truth, (rows, codes), 1)
    truth /= truth.sum(axis=1, keepdims=True)
    before = -np.inf
    for _ in range(steps):
        prevalence = truth.mean(axis=0)
        table = (answers.T @ truth).reshape(len(names), k, k).transpose(0, 2, 1)  # annotator, truth, answer
        errors = table / np.maximum(table.sum(axis=2, keepdims=True), TINY)
        logs = np.log(np.maximum(errors, TINY)).transpose(0, 2, 1).reshape(-1, k)
        joint = answers @ logs + np.log(np.maximum(prevalence, TINY))
        most = joint.max(axis=1, keepdims=True)
        truth = np.exp(joint - most)
        total = truth.sum(axis=1, keepdims=True)
        truth /= total
        likelihood = float((most + np.log(total)).sum())
        if likelihood - before < tolerance * len(ids):
            break
        before = likelihood
    index = pd.MultiIndex.from_product([names, classes], names=["annotator", "truth"])
    return Consensus(
        pd.DataFrame(truth, pd.Index(ids, name="id"), classes),
        pd.Series(prevalence, classes),
        pd.DataFrame(errors.reshape(-1, k), index, classes),
        likelihood,
    )
