"""Texts of PostgreSQL's expressions as MySQL writes them."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from etl.warehouse.mysql.literals import json_member, text_literal
from etl.warehouse.mysql.patterns import translated, translated_for_parts
from etl.warehouse.mysql.translation.comparing import require_text
from etl.warehouse.mysql.translation.kinds import WHOLE
from etl.warehouse.mysql.translation.writer import Write, Writer, binary, function, number_in, text_in

_EMPTY, _SPACE = "''", "' '"


def as_text(writer: Writer, node: Any) -> str | None:
    """A value as PostgreSQL casts it; None for what MySQL writes in another way."""
    kind, written = writer.kind(node), writer.write(node)
    if kind == "boolean":
        return f"(case when {written} then 'true' when not {written} then 'false' end)"
    if kind in {"text", "uuid", "word", "null"}:
        return written
    return f"cast({written} as char)" if kind in {*WHOLE, "exact", "date"} else None


def _concat(writer: Writer, node: exp.Concat) -> str:
    """PostgreSQL's function ignores NULL; its sign does not."""
    if "boolean" in map(writer.kind, node.expressions):
        raise writer.refused(node, "writes 't' and 'f'; cast the boolean to text")
    texts = [_side(writer, value) for value in node.expressions]
    return f"concat({', '.join(f'coalesce({text}, {_EMPTY})' for text in texts)})"


def _joined(writer: Writer, node: exp.DPipe) -> str:
    return f"concat({_side(writer, node.this)}, {_side(writer, node.expression)})"


def _side(writer: Writer, node: Any) -> str:
    text = as_text(writer, node)
    if text is None:
        raise writer.refused(node, "is written as a text in another way by MySQL")
    return text


def _trim(writer: Writer, node: exp.Trim) -> str:
    signs = node.args.get("expression")
    if signs is not None and len(text_in(signs) or "") != 1:
        raise writer.refused(node, "takes away several signs")
    side = str(node.args.get("position") or "both").lower()
    sign = writer.write(signs) if signs is not None else _SPACE
    return f"trim({side} {sign} from {writer.write(node.this)})"


def _part(name: str, *numbers: str) -> Write:
    """A part of a text, told by numbers; what less than none means differs."""

    def write(writer: Writer, node: exp.Expression) -> str:
        writer.only(node, "this", *numbers)
        places = [node.args[number] for number in numbers if node.args.get(number) is not None]
        if any(number_in(place, 1) is None for place in places):
            raise writer.refused(node, "needs places that are numbers from 1 on")
        return f"{name}({writer.all((node.this, *places))})"

    return write


def _starts_with(writer: Writer, node: exp.StartsWith) -> str:
    text, start = writer.write(node.this), writer.write(node.expression)
    return f"(left({text}, char_length({start})) = {start})"


def _replaced(writer: Writer, node: exp.RegexpReplace) -> str:
    pattern, new = text_in(node.expression), text_in(node.args.get("replacement"))
    is_plain = new is not None and not {"\\", "$", "&"} & set(new)
    if pattern is None or not is_plain or text_in(node.args.get("modifiers")) != "g":
        raise writer.refused(node, "needs 'g', and a pattern and a plain text that stand in the text")
    return (
        f"regexp_replace({writer.write(node.this)}, {text_literal(translated_for_parts(pattern))},"
        f" {text_literal(str(new))})"
    )


def _padded(writer: Writer, node: exp.Pad) -> str:
    fill, name = node.args.get("fill_pattern"), "lpad" if node.args.get("is_left") else "rpad"
    if number_in(node.expression, 0) is None or (fill is not None and not text_in(fill)):
        raise writer.refused(node, "needs a number and a text that stand in the text")
    with_what = writer.write(fill) if fill is not None else _SPACE
    return f"{name}({writer.all((node.this, node.expression))}, {with_what})"


def _split(writer: Writer, node: exp.SplitPart) -> str:
    """Cut off behind the part, and before it; a part that is not there is an empty text."""
    mark, place = text_in(node.args["delimiter"]), number_in(node.args["part_index"], 1)
    if not mark or place is None:
        raise writer.refused(node, "needs a mark and a place from 1 on that stand in the text")
    text, sign = writer.write(node.this), text_literal(mark)
    end = f"substring_index({text}, {sign}, {place})"
    if place == 1:
        return end
    before = f"char_length(substring_index({text}, {sign}, {place - 1}))"
    return f"substring({end}, {before} + {len(mark) + 1})"


def _member(writer: Writer, node: exp.JSONExtract | exp.JSONExtractScalar) -> str:
    keys = node.expression.expressions if isinstance(node.expression, exp.JSONPath) else []
    if writer.kind(node.this) != "document" or len(keys) != 2 or not isinstance(keys[1], exp.JSONPathKey):
        raise writer.refused(node, "needs a document and a name that stands in the text")
    return json_member(writer.write(node.this), str(keys[1].this))


def _member_text(writer: Writer, node: exp.JSONExtractScalar) -> str:
    member = _member(writer, node)
    return f"(case when json_type({member}) <> 'NULL' then cast(json_unquote({member}) as char) end)"


def _other(writer: Writer, node: exp.Anonymous) -> str:
    """Functions that sqlglot has no type for."""
    if node.name.lower() != "octet_length" or len(node.expressions) != 1:
        raise writer.refused(node)
    return f"length({writer.all(node.expressions)})"


def _matches(options: str) -> Write:
    def write(writer: Writer, node: exp.RegexpLike | exp.RegexpILike) -> str:
        pattern = text_in(node.expression)
        if pattern is None:
            raise writer.refused(node, "needs a pattern that stands in the text")
        require_text(writer, node, node.this)
        return f"({writer.write(node.this)} regexp {text_literal(translated(options + pattern))})"

    return write


def _like(writer: Writer, node: exp.Like) -> str:
    if isinstance(node.expression, (exp.Any, exp.All)):
        raise writer.refused(node)
    require_text(writer, node, node.this, node.expression)
    return binary(f"{_no(node)}like")(writer, node)


def _escaped(writer: Writer, node: exp.Escape) -> str:
    like = node.this
    if type(like) is not exp.Like:
        raise writer.refused(node)
    require_text(writer, node, like.this, like.expression)
    text, pattern, sign = (writer.write(part) for part in (like.this, like.expression, node.expression))
    return f"({text} {_no(like)}like {pattern} escape {sign})"


def _ilike(writer: Writer, node: exp.ILike) -> str:
    require_text(writer, node, node.this, node.expression)
    return f"(lower({writer.write(node.this)}) {_no(node)}like lower({writer.write(node.expression)}))"


def _no(node: exp.Expression) -> str:
    """Sqlglot has a word of the node for "not" before "like", where others stand within a ``Not``."""
    return "not " if node.args.get("negate") else ""


TEXTS: dict[type, Write] = {
    exp.Length: function("char_length", "this"),
    exp.Lower: function("lower", "this"),
    exp.Upper: function("upper", "this"),
    exp.Replace: function("replace", "this", "expression", "replacement"),
    exp.StrPosition: function("locate", "substr", "this"),
    exp.StartsWith: _starts_with,
    exp.Left: _part("left", "expression"),
    exp.Right: _part("right", "expression"),
    exp.Substring: _part("substring", "start", "length"),
    exp.Trim: _trim,
    exp.Pad: _padded,
    exp.SplitPart: _split,
    exp.MD5: function("md5", "this"),
    exp.RegexpReplace: _replaced,
    exp.JSONExtract: _member,
    exp.JSONExtractScalar: _member_text,
    exp.Anonymous: _other,
    exp.DPipe: _joined,
    exp.Concat: _concat,
    exp.Like: _like,
    exp.ILike: _ilike,
    exp.Escape: _escaped,
    exp.RegexpLike: _matches(""),
    exp.RegexpILike: _matches("(?i)"),
}
