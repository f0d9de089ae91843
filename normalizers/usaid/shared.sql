-- The selection that all feeds of USAID share, and how they write dates. Why each code and term is here, how precise the
-- terms are, and the trivial rule beside them: docs/sources/usaid.md.

-- core: US sector 30, Private Sector Competitiveness, or DAC 25010, 25030, 32130. extended: their neighbours.
CREATE MACRO selected_by_sector(scheme, code) AS CASE
    WHEN scheme = 'usg' AND code = '30' OR scheme = 'dac' AND code IN ('25010', '25030', '32130') THEN 'core'
    WHEN scheme = 'usg' AND code IN ('26', '27', '31') OR scheme = 'dac' AND code IN (
        '24030', '24040', '25020', '25040', '32110', '32120', '32140', '32161', '32182', '33110', '33120', '33130',
        '33140', '33150', '33181', '33210'
    ) THEN 'extended'
END;

-- Words, never parts of words: `assessment` holds `sme`. What the second list names is taken out of the text first.
CREATE MACRO selected_by_words(text) AS CASE
    WHEN regexp_matches(
        regexp_replace(
            regexp_replace(
                text,
                'subject matter experts?( \(smes?\))?|\b(business (cards?|lunch|reserve|conference)|small business|enterprise (performance|resource|printers?|licen[cs]e|software)|laserjet enterprise|non.?competitive(ly)?|competitive(ly)? (contract|award|bid|bidding|selection|procurement|process))\b',
                ' ', 'gi'
            ),
            '\b(economic recovery and market systems?|early recovery and market systems?|erms)\b', ' humanitarian ', 'gi'
        ),
        '\b(competitiveness|m?smes?|micro.?enterprises?|micro.?entrepreneurs?|(micro,? )?small (and|&) medium.?(sized )?enterprises?|small enterprises?|enterprise.driven|enterprise (development|growth|fund)|value.?chains?|market systems?|entrepreneurs?(hip)?|private sector (growth|development|competitiveness)|private sector activity$|(pro)?business: regulatory|business (support|enabling|development|environment|centers?|climate)|enhanced export capacity|own enterprise|industrial clusters?|super.?clusters?|(business|industry|export|tourism) clusters?|clusters? (development|initiatives?|competitiveness|policy|program(me)?s?|activity))\b',
        'i'
    )
    AND NOT regexp_matches(
        text,
        '\b(logistics?|protection|health|nutrition|shelter|education|food security|country|hiv|tb|humanitarian) clusters?\b|\bclusters? (coordinat\w*|lead|[0-9]+)|\b(hiv|tuberculosis|humanitarian|emergency|conflict.affected|multipurpose cash|wash|tb|usaid staff|lending solution|biofortified|independent media|micro.?insurance)\b',
        'i'
    ) THEN 'keyword'
END;

-- The best of several tiers.
CREATE MACRO best_selection(tiers) AS CASE
    WHEN list_contains(tiers, 'core') THEN 'core'
    WHEN list_contains(tiers, 'extended') THEN 'extended'
    WHEN list_contains(tiers, 'keyword') THEN 'keyword'
END;

-- `2024-09-01`, `2024-09-01T00:00:00`, `01SEP2024` or `9/1/2024`; null where it is none of these. The year has four
-- digits: DuckDB's %Y would read `9/1/24` as a day of the year 24.
CREATE MACRO dated(text) AS CASE
    WHEN regexp_matches(text, '^[0-9]{4}-') THEN try_strptime(left(text, 10), '%Y-%m-%d')
    WHEN regexp_matches(text, '[^0-9][0-9]{4}$') THEN coalesce(try_strptime(text, '%d%b%Y'), try_strptime(text, '%m/%d/%Y'))
END::DATE;
