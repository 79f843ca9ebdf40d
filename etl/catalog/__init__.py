"""What the tables are: pydantic models of ``catalog/**/*.yaml``.

    catalog/sources/<source>.yaml            a system that is read
    catalog/tables/<source>/<table>.yaml     one of its tables: a table, a query, an endpoint, files
    catalog/dimensions/<entity>.yaml         a dimension, its events and the SCD type of each attribute
    catalog/facts/<process>.yaml             a fact, its grain, its source tables and its lookups
    catalog/alerts.yaml                      who is told of what

The name of a thing is the name of its file. Errors name file, line, field and remedy;
``etl/catalog_files.py`` reads the files, this package says what may stand in them.
"""

from etl.catalog.alerts import Alerts, Route
from etl.catalog.declarations import Catalog
from etl.catalog.dimensions import Attribute, Dimension, EventSource, Guard, Snowflake
from etl.catalog.facts import Fact, FactColumn, Lookup
from etl.catalog.files import FileSet
from etl.catalog.model import ColumnType, Model, ScdType
from etl.catalog.rest import Endpoint, RestApi
from etl.catalog.steps import (
    AgeGroup,
    BinNumbers,
    Call,
    CleanText,
    DropMissing,
    FillMissing,
    JoinText,
    MapValues,
    ParseNumber,
    StandardizeDate,
    StandardizePhone,
    Step,
    ValidateEmail,
)
from etl.catalog.systems import SourceSystem
from etl.catalog.tables import Column, Load, Parent, Replica, SourceTable
from etl.catalog.whole_steps import (
    ConvertCurrency,
    Deduplicate,
    FillFromRows,
    FlagOutliers,
    JoinTable,
    WholeStep,
)

__all__ = [
    "AgeGroup",
    "Alerts",
    "Attribute",
    "BinNumbers",
    "Call",
    "Catalog",
    "CleanText",
    "Column",
    "ColumnType",
    "ConvertCurrency",
    "Deduplicate",
    "Dimension",
    "DropMissing",
    "Endpoint",
    "EventSource",
    "Fact",
    "FactColumn",
    "FileSet",
    "FillFromRows",
    "FillMissing",
    "FlagOutliers",
    "Guard",
    "JoinTable",
    "JoinText",
    "Load",
    "Lookup",
    "MapValues",
    "Model",
    "Parent",
    "ParseNumber",
    "Replica",
    "RestApi",
    "Route",
    "ScdType",
    "Snowflake",
    "SourceSystem",
    "SourceTable",
    "StandardizeDate",
    "StandardizePhone",
    "Step",
    "ValidateEmail",
    "WholeStep",
]
