"""The examples sorted by id: in memory while they are few, else on disk by DuckDB."""

from collections.abc import Iterator
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from ..files import parquet
from ..files.paths import EXAMPLES
from ..files.writes import remove
from ..messages.problems import Refusal

FEW = 10_000_000  # rows that are sorted in memory
MEMORY = "3GB"  # what DuckDB may use of it; the rest of a stage needs about as much for 100 million rows


def by_id(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yield the rows of some tables in order of `id`, by code points, in pieces.

    Args:
        tables: of the same columns, whose ids are all different.
        rows: how many there are.

    Raises:
        Refusal: where there are many and DuckDB is not installed.
    """
    if rows > FEW:
        yield from _on_disk(tables)
        return
    whole = pa.concat_tables(tables)
    wide = pa.schema([(c.name, pa.large_string() if c.type == pa.string() else c.type) for c in whole.schema])
    order = pc.sort_indices(whole["id"])
    schema, whole = whole.schema, whole.cast(wide).combine_chunks()  # offsets of 32 bits end at 2 GB of text
    for start in range(0, rows, parquet.PIECE):
        yield whole.take(order.slice(start, parquet.PIECE)).cast(schema)


def _on_disk(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise Refusal(
            f"More than {FEW:,} examples whose ids are not in order are sorted by DuckDB: pip install -c constraints.txt "
            "-e '.[large]'. Deliveries whose ids are in order need no sorting."
        ) from None
    first = next(tables)
    # DuckDB takes Note and note for one column, so it sees numbered names alone.
    plain = pa.schema([pa.field(f"c{number}", column.type) for number, column in enumerate(first.schema)])

    def batches() -> Iterator[pa.RecordBatch]:
        for table in chain([first], tables):
            yield from table.rename_columns(plain.names).to_batches()

    spill = EXAMPLES.parent / ".sorting.partial"
    remove(spill)  # of a run that was killed
    try:
        with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)}) as connection:
            connection.execute("SET enable_progress_bar = false")
            rows = connection.from_arrow(pa.RecordBatchReader.from_batches(plain, batches()))
            for batch in rows.order(f"c{first.column_names.index('id')}").to_arrow_reader(parquet.PIECE):
                yield pa.Table.from_batches([batch]).cast(plain).rename_columns(first.column_names)
    finally:
        remove(spill)
