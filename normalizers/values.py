"""Numbers as people write them, as SQL macros for the programs of the feeds.

`1.240` is 1,240 where a comma marks decimals and 1.24 where a point does, so a number is never read without its mark.
A text that is not wholly a number of that form is null: what was written stands in `value_text`.
"""

from __future__ import annotations

MACROS = r"""
-- The text with one kind of blank, and with the minus sign of keyboards.
CREATE MACRO plain_text(text) AS trim(regexp_replace(
    translate(text, '−–’', '--'''), '[\s\x{00A0}\x{2009}\x{202F}]+', ' ', 'g'
));

-- A number whose decimals are marked by `mark` (',' or '.'); thousands may be set off by the other mark, by blanks or
-- by apostrophes, in whole groups of three and all alike.
CREATE MACRO number_of(text, mark) AS CASE
    WHEN mark = ',' AND regexp_full_match(
        plain_text(text),
        '[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+|[0-9]{1,3}( [0-9]{3})+|[0-9]{1,3}(''[0-9]{3})+)(,[0-9]+)?'
    ) THEN TRY_CAST(replace(regexp_replace(plain_text(text), '[ .'']', '', 'g'), ',', '.') AS DOUBLE)
    WHEN mark = '.' AND regexp_full_match(
        plain_text(text),
        '[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,3}( [0-9]{3})+|[0-9]{1,3}(''[0-9]{3})+)(\.[0-9]+)?'
    ) THEN TRY_CAST(regexp_replace(plain_text(text), '[ ,'']', '', 'g') AS DOUBLE)
END;

-- A count: it has no decimals, so each mark sets off thousands.
CREATE MACRO count_of(text) AS CASE
    WHEN regexp_full_match(
        plain_text(text),
        '[0-9]+|[0-9]{1,3}(\.[0-9]{3})+|[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,3}( [0-9]{3})+|[0-9]{1,3}(''[0-9]{3})+'
    ) THEN TRY_CAST(regexp_replace(plain_text(text), '[ .,'']', '', 'g') AS BIGINT)
END;

-- The mark of decimals that one text proves: ',' or '.', or null where it may be read either way.
CREATE MACRO mark_in(text) AS CASE
    WHEN regexp_full_match(plain_text(text), '[+-]?[0-9 .'']*[0-9],[0-9]+')
        AND NOT regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2},[0-9]{3}') THEN ','
    WHEN regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2}(\.[0-9]{3}){2,}') THEN ','
    WHEN regexp_full_match(plain_text(text), '[+-]?[0-9 ,'']*[0-9]\.[0-9]+')
        AND NOT regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2}\.[0-9]{3}') THEN '.'
    WHEN regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){2,}') THEN '.'
END;

-- The mark of decimals that the texts of one column prove together; null where none does or they contradict each other.
CREATE MACRO mark_of(texts) AS CASE
    list_sort(list_distinct(list_filter(
        list_transform(texts, lambda text: mark_in(text)), lambda mark: mark IS NOT NULL
    )))
    WHEN [','] THEN ','
    WHEN ['.'] THEN '.'
END;

-- Stars: a digit, asterisks, star signs, words such as `2 stars`, one image `stars_2.gif`, or one image for each star.
-- Empty is no star only where the page says so (`-`, `none`, `no star`); else it is null.
CREATE MACRO stars_of(text) AS CASE
    WHEN regexp_full_match(lower(plain_text(text)), '-|none|no stars?|0( stars?)?') THEN 0
    WHEN regexp_full_match(lower(plain_text(text)), '[1-9]( ?(stars?|★|\*))?') THEN left(plain_text(text), 1)::BIGINT
    WHEN regexp_full_match(replace(plain_text(text), ' ', ''), '\*{1,9}|★{1,9}[☆]*')
        THEN length(regexp_replace(text, '[^*★]', '', 'g'))
    WHEN regexp_full_match(replace(plain_text(text), ' ', ''), '☆+') THEN 0
    WHEN regexp_full_match(lower(plain_text(text)), '[a-z_-]*stars?[_-]?[0-9]\.(gif|png|jpg|svg)')
        THEN regexp_extract(text, '([0-9])\.', 1)::BIGINT
    WHEN regexp_full_match(lower(plain_text(text)), '[0-9][_-]?stars?\.(gif|png|jpg|svg)')
        THEN left(plain_text(text), 1)::BIGINT
    WHEN regexp_full_match(lower(plain_text(text)), '(star(\.(gif|png|jpg|svg))?( |$))+')
        THEN len(string_split(plain_text(text), ' '))
END;
"""
"""Macros that every SQL program may use; each is null for a text that it cannot read."""
