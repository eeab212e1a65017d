"""The embedded example: messages to a shop, *made up* here, with *simulated* label noise. Delete it with its stage.

1,500 messages in English, German and Spanish, put together at random from what people write about one of four subjects,
often with a word about another: 600 for test, with their true labels, and 900 for training and validation, of which a share
is mislabelled systematically: delivery and product are taken for each other, and so are billing and account. They are
written as anyone's data would be, as a table.
"""

import numpy as np
import pandas as pd

from datapass.files.paths import RAW
from datapass.files.tables import read_table, write_table
from datapass.files.writes import written
from datapass.messages.problems import Refusal
from datapass.settings import load
from datapass.stages.frame import run

MESSAGES, TEST, VALIDATION = 1500, 600, 150
MOST_LIKE = {"delivery": "product", "product": "delivery", "billing": "account", "account": "billing"}
BESIDES = 0.6  # of the messages also say something, but less, of another subject
SAID = {
    "en": {
        "delivery": "the parcel has not arrived|tracking shows nothing new|the courier left it outside|it should be here by now",
        "product": "one part is broken|it stopped working|the colour is not what I ordered|how do I switch it on",
        "billing": "I was charged twice|the invoice is wrong|please send the money back|the price was lower before",
        "account": "I cannot sign in|my password does not work|please change my address|I want to close my account",
        "hello": "hello|good morning|dear all|hi there",
        "more": "please help|order {}|this is the second time|thank you|it is about {}|I have waited for {} days",
    },
    "de": {
        "delivery": "das Paket ist nicht da|die Sendung bewegt sich nicht|der Bote hat es draußen gelassen|es müsste längst hier sein",
        "product": "ein Teil ist kaputt|es geht nicht mehr|die Farbe ist falsch|wie schaltet man es ein",
        "billing": "es wurde doppelt abgebucht|die Rechnung stimmt nicht|bitte das Geld zurück|der Preis war vorher niedriger",
        "account": "ich kann mich nicht anmelden|mein Kennwort geht nicht|bitte die Adresse ändern|ich will mein Konto löschen",
        "hello": "hallo|guten Morgen|guten Tag|liebe Leute",
        "more": "bitte helfen Sie|Bestellung {}|schon zum zweiten Mal|danke|es geht um {}|ich warte seit {} Tagen",
    },
    "es": {
        "delivery": "el paquete no ha llegado|el envío no se mueve|lo dejaron en la calle|ya debería estar aquí",
        "product": "una pieza está rota|ya no funciona|el color no es el que pedí|cómo se enciende",
        "billing": "me cobraron dos veces|la factura está mal|quiero que me devuelvan el dinero|antes costaba menos",
        "account": "no puedo entrar|mi contraseña no sirve|quiero cambiar mi dirección|quiero cerrar mi cuenta",
        "hello": "hola|buenos días|buenas tardes|estimados",
        "more": "ayuda por favor|pedido {}|es la segunda vez|gracias|se trata de {}|espero desde hace {} días",
    },
}


def messages(number: int = MESSAGES, seed: int = 7) -> pd.DataFrame:
    """Return messages: text, language and subject, the true label; for a seed the same ones each time."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(number):
        language, subject = rng.choice(list(SAID)), rng.choice(list(MOST_LIKE))
        parts = list(rng.choice(SAID[language][subject].split("|"), 2, replace=False))
        if rng.random() < BESIDES:
            other = rng.choice([name for name in MOST_LIKE if name != subject])
            parts.append(rng.choice(SAID[language][other].split("|")))
        more = rng.choice(SAID[language]["more"].split("|"), 2, replace=False)
        parts += [one.format(rng.integers(10, 99999)) for one in more]
        text = [rng.choice(SAID[language]["hello"].split("|")), *rng.permutation(parts)]
        rows.append((", ".join(text), language, subject))
    return pd.DataFrame(rows, columns=["text", "language", "subject"], dtype="str")


def main() -> None:
    """Write data/raw/labels.csv."""
    example = load().data.example
    if example is None:
        raise Refusal("conf/data has no `example`; delete the stage `example` from dvc.yaml too.")
    rng = np.random.default_rng(example.seed)
    made = messages()
    order = rng.permutation(MESSAGES)
    noisy = order[TEST:]
    wrong = rng.choice(noisy, round(example.noise * len(noisy)), replace=False)
    split = np.full(MESSAGES, "train", dtype=object)
    split[noisy[:VALIDATION]], split[order[:TEST]] = "validation", "test"
    label = made["subject"].copy()
    label[wrong] = label[wrong].map(MOST_LIKE)
    ids = pd.Series([f"message-{number:04}" for number in range(MESSAGES)], dtype="str")
    table = pd.DataFrame(
        {"id": ids, "label": label, "text": made["text"], "split": split, "language": made["language"]}
    )
    strange = sorted({path.name for path in RAW.rglob("*") if path.is_file()} - {"labels.csv"})
    if strange or ((RAW / "labels.csv").is_file() and set(read_table(RAW / "labels.csv")["id"]) != set(ids)):
        what = f"data/raw/ holds data that is not the example's ({strange[0] if strange else 'labels.csv'})"
        raise Refusal(f"{what}; delete the stage `example` from dvc.yaml, see docs/own-data.md.")
    with written(RAW) as raw:
        raw.mkdir(parents=True)
        write_table(table, raw / "labels.csv")
    print(
        f"{MESSAGES:,} messages, made up; {len(wrong)} of the {len(noisy):,} labels for training and validation are "
        "simulated errors"
    )


if __name__ == "__main__":
    run("example", main)
