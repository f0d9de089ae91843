-- Common schema 1.0.0: tables, macros and views of a release. Made by `make docs`; do not edit.
CREATE TABLE "sources" (
    "source_id" VARCHAR,
    "feed_id" VARCHAR,
    "name" VARCHAR,
    "publisher" VARCHAR,
    "country_coverage" VARCHAR[],
    "homepage_url" VARCHAR,
    "status" VARCHAR
);
COMMENT ON TABLE "sources" IS 'The observatories.';
COMMENT ON COLUMN "sources"."source_id" IS 'Short name of the observatory, such as `us`.';
COMMENT ON COLUMN "sources"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "sources"."name" IS 'Name of the observatory.';
COMMENT ON COLUMN "sources"."publisher" IS 'Who publishes it.';
COMMENT ON COLUMN "sources"."country_coverage" IS 'ISO 3166-1 alpha-2 codes of the countries it covers.';
COMMENT ON COLUMN "sources"."homepage_url" IS 'Its front page.';
COMMENT ON COLUMN "sources"."status" IS 'Whether it still serves.';

CREATE TABLE "feeds" (
    "feed_id" VARCHAR,
    "source_id" VARCHAR,
    "title" VARCHAR,
    "description" VARCHAR,
    "licence" VARCHAR,
    "licence_url" VARCHAR,
    "redistribution" VARCHAR,
    "attribution" VARCHAR,
    "routes" VARCHAR[],
    "cadence" VARCHAR,
    "denominator" VARCHAR,
    "last_harvest_id" VARCHAR,
    "last_success_at" TIMESTAMP,
    "records_expected" BIGINT,
    "records_found" BIGINT,
    "health" VARCHAR
);
COMMENT ON TABLE "feeds" IS 'The machine-readable things that sources offer, with their terms and their state at the release.';
COMMENT ON COLUMN "feeds"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "feeds"."source_id" IS 'The observatory that offers it.';
COMMENT ON COLUMN "feeds"."title" IS 'What it is.';
COMMENT ON COLUMN "feeds"."description" IS 'What it holds, and for which years and places.';
COMMENT ON COLUMN "feeds"."licence" IS 'Name of its terms.';
COMMENT ON COLUMN "feeds"."licence_url" IS 'Where its terms stand.';
COMMENT ON COLUMN "feeds"."redistribution" IS 'What may be republished; `open` and `attribution` stand in public releases.';
COMMENT ON COLUMN "feeds"."attribution" IS 'The credit that its terms ask for.';
COMMENT ON COLUMN "feeds"."routes" IS 'How it can be reached.';
COMMENT ON COLUMN "feeds"."cadence" IS 'How often it is harvested by default (cron line, UTC).';
COMMENT ON COLUMN "feeds"."denominator" IS 'The rule that says how many records a complete harvest has.';
COMMENT ON COLUMN "feeds"."last_harvest_id" IS 'Its newest harvest, whatever came of it.';
COMMENT ON COLUMN "feeds"."last_success_at" IS 'When a harvest was last accepted or found unchanged (UTC).';
COMMENT ON COLUMN "feeds"."records_expected" IS 'Records that its denominator asks for, at the last success.';
COMMENT ON COLUMN "feeds"."records_found" IS 'Records that were found then.';
COMMENT ON COLUMN "feeds"."health" IS 'State as of the release.';

CREATE TABLE "regions" (
    "region_id" VARCHAR,
    "feed_id" VARCHAR,
    "scheme" VARCHAR,
    "code" VARCHAR,
    "name" VARCHAR,
    "name_as_published" VARCHAR,
    "other_names" VARCHAR[],
    "country_code" VARCHAR,
    "iso_3166_2" VARCHAR,
    "parent_region_id" VARCHAR,
    "member_region_ids" VARCHAR[],
    "latitude" DOUBLE,
    "longitude" DOUBLE,
    "coordinate_basis" VARCHAR,
    "coordinate_error_km" DOUBLE,
    "coordinate_region_id" VARCHAR,
    "valid_from" DATE,
    "valid_to" DATE,
    "successor" VARCHAR,
    "successors" VARCHAR[],
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "regions" IS 'Places: countries, states, counties, metropolitan and economic areas, NUTS regions, districts.';
COMMENT ON COLUMN "regions"."region_id" IS '`<scheme>:<code>`, such as `us:state:15` or `nuts:ES51`.';
COMMENT ON COLUMN "regions"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "regions"."scheme" IS 'The code list, such as `us:state`.';
COMMENT ON COLUMN "regions"."code" IS 'The code in that list, with its leading zeros.';
COMMENT ON COLUMN "regions"."name" IS 'Cleaned name.';
COMMENT ON COLUMN "regions"."name_as_published" IS 'Name to the letter.';
COMMENT ON COLUMN "regions"."other_names" IS 'Earlier names, and names in other languages, where the list has them.';
COMMENT ON COLUMN "regions"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "regions"."iso_3166_2" IS 'ISO 3166-2 code, where the region has one.';
COMMENT ON COLUMN "regions"."parent_region_id" IS 'The region one level up that wholly contains it, where there is one.';
COMMENT ON COLUMN "regions"."member_region_ids" IS 'The regions that compose it, where the source lists them.';
COMMENT ON COLUMN "regions"."latitude" IS 'WGS 84 latitude, degrees north.';
COMMENT ON COLUMN "regions"."longitude" IS 'WGS 84 longitude, degrees east.';
COMMENT ON COLUMN "regions"."coordinate_basis" IS 'What the point is: a basis of `region_coordinates`, or `parent` where it is that of the region above.';
COMMENT ON COLUMN "regions"."coordinate_error_km" IS 'How far it may be from what is in the region, km; see `region_coordinates`.';
COMMENT ON COLUMN "regions"."coordinate_region_id" IS 'The region in `region_coordinates` whose point it is.';
COMMENT ON COLUMN "regions"."valid_from" IS 'First day on which the code was in force.';
COMMENT ON COLUMN "regions"."valid_to" IS 'Last day on which the code was in force.';
COMMENT ON COLUMN "regions"."successor" IS 'The region that follows it, where it is one.';
COMMENT ON COLUMN "regions"."successors" IS 'The regions that follow it, where it was split among several.';
COMMENT ON COLUMN "regions"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "regions"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "regions"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "regions"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "regions"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "region_coordinates" (
    "region_id" VARCHAR,
    "feed_id" VARCHAR,
    "latitude" DOUBLE,
    "longitude" DOUBLE,
    "coordinate_basis" VARCHAR,
    "coordinate_error_km" DOUBLE,
    "place" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "region_coordinates" IS 'A point for each region that has one of its own; a release puts it into `regions`, and where one below has none.';
COMMENT ON COLUMN "region_coordinates"."region_id" IS 'The region; it need not stand in `regions`.';
COMMENT ON COLUMN "region_coordinates"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "region_coordinates"."latitude" IS 'WGS 84 latitude, degrees north.';
COMMENT ON COLUMN "region_coordinates"."longitude" IS 'WGS 84 longitude, degrees east.';
COMMENT ON COLUMN "region_coordinates"."coordinate_basis" IS 'What the point is: `area_centroid` of its boundaries (of the largest part of a country), its `capital`, the `largest_city` in it, its `principal_city` (which names it), its `seat` (or the city of its name).';
COMMENT ON COLUMN "region_coordinates"."coordinate_error_km" IS 'Radius of a circle with the region''s area, km; of the mean area of such regions where that is not known.';
COMMENT ON COLUMN "region_coordinates"."place" IS 'The city, where the point is one.';
COMMENT ON COLUMN "region_coordinates"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "region_coordinates"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "region_coordinates"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "region_coordinates"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "region_coordinates"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "region_coordinates"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "exchange_rates" (
    "currency" VARCHAR,
    "time_period" VARCHAR,
    "feed_id" VARCHAR,
    "rate_usd" DOUBLE,
    "days" BIGINT,
    "basis" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "exchange_rates" IS 'Average rates of currencies in USD over years and months.';
COMMENT ON COLUMN "exchange_rates"."currency" IS 'ISO 4217 code.';
COMMENT ON COLUMN "exchange_rates"."time_period" IS 'Year (`2016`) or month (`2016-03`).';
COMMENT ON COLUMN "exchange_rates"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "exchange_rates"."rate_usd" IS 'USD for one unit.';
COMMENT ON COLUMN "exchange_rates"."days" IS 'Days with a rate that it is the average of.';
COMMENT ON COLUMN "exchange_rates"."basis" IS 'How it was made.';
COMMENT ON COLUMN "exchange_rates"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "exchange_rates"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "exchange_rates"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "exchange_rates"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "exchange_rates"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "exchange_rates"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "categories" (
    "category_id" VARCHAR,
    "feed_id" VARCHAR,
    "scheme" VARCHAR,
    "code" VARCHAR,
    "name" VARCHAR,
    "traded" BOOLEAN,
    "parent_category_id" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "categories" IS 'Activity classes. The hub is the Benchmark Cluster Definitions, scheme `bcd`.';
COMMENT ON COLUMN "categories"."category_id" IS '`<scheme>:<code>`, such as `bcd:22`, or `bcd:22.01` for a subcluster.';
COMMENT ON COLUMN "categories"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "categories"."scheme" IS 'The classification.';
COMMENT ON COLUMN "categories"."code" IS 'The code in it.';
COMMENT ON COLUMN "categories"."name" IS 'Name of the class.';
COMMENT ON COLUMN "categories"."traded" IS 'True: sells beyond its region; false: local; null: no such distinction.';
COMMENT ON COLUMN "categories"."parent_category_id" IS 'The class one level up.';
COMMENT ON COLUMN "categories"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "categories"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "categories"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "categories"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "categories"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "category_mappings" (
    "from_category_id" VARCHAR,
    "to_category_id" VARCHAR,
    "feed_id" VARCHAR,
    "relation" VARCHAR,
    "confidence" DOUBLE,
    "basis" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "category_mappings" IS 'SKOS mappings between activity classes. Directed.';
COMMENT ON COLUMN "category_mappings"."from_category_id" IS 'The class that is mapped.';
COMMENT ON COLUMN "category_mappings"."to_category_id" IS 'The class it is mapped to.';
COMMENT ON COLUMN "category_mappings"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "category_mappings"."relation" IS 'SKOS mapping relation, without its prefix.';
COMMENT ON COLUMN "category_mappings"."confidence" IS 'From 0 to 1; null where the source states none.';
COMMENT ON COLUMN "category_mappings"."basis" IS 'What the mapping rests on.';
COMMENT ON COLUMN "category_mappings"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "category_mappings"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "category_mappings"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "category_mappings"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "category_mappings"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "clusters" (
    "cluster_id" VARCHAR,
    "feed_id" VARCHAR,
    "source_id" VARCHAR,
    "name" VARCHAR,
    "kind" VARCHAR,
    "identified_by" VARCHAR[],
    "region_id" VARCHAR,
    "place" VARCHAR,
    "country_code" VARCHAR,
    "category_id" VARCHAR,
    "hub_category_id" VARCHAR,
    "hub_category_match" VARCHAR,
    "hub_category_basis" VARCHAR[],
    "product" VARCHAR,
    "product_class" VARCHAR,
    "product_class_basis" VARCHAR[],
    "latitude" DOUBLE,
    "longitude" DOUBLE,
    "themes" VARCHAR[],
    "note" VARCHAR,
    "citation" VARCHAR,
    "source_url" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "clusters" IS 'Cells (a statistical place × activity) and clusters (cells that a rule accepts, surveyed, documented).';
COMMENT ON COLUMN "clusters"."cluster_id" IS '`<feed>:<the source''s own key>`.';
COMMENT ON COLUMN "clusters"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "clusters"."source_id" IS 'The observatory.';
COMMENT ON COLUMN "clusters"."name" IS 'Cleaned name.';
COMMENT ON COLUMN "clusters"."kind" IS 'A cell is not yet a cluster.';
COMMENT ON COLUMN "clusters"."identified_by" IS 'Rules that accept it as a cluster in any period; empty: only a cell.';
COMMENT ON COLUMN "clusters"."region_id" IS 'Where it is.';
COMMENT ON COLUMN "clusters"."place" IS 'Where it is, in the source''s words.';
COMMENT ON COLUMN "clusters"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "clusters"."category_id" IS 'Its activity, in the source''s classification.';
COMMENT ON COLUMN "clusters"."hub_category_id" IS 'Its activity in the hub classification (`bcd:`), or null.';
COMMENT ON COLUMN "clusters"."hub_category_match" IS 'How the hub category was found: by the mapping of its class, by the words of its product, or not; null: its feed states it, or there is nothing to go by.';
COMMENT ON COLUMN "clusters"."hub_category_basis" IS 'The classes by which it was found, or which disagree (`eco38:`, `product:` ...).';
COMMENT ON COLUMN "clusters"."product" IS 'What it makes, in the source''s words.';
COMMENT ON COLUMN "clusters"."product_class" IS 'Product class of the founding paper.';
COMMENT ON COLUMN "clusters"."product_class_basis" IS 'What gave the class (`word:textile`, `category:bcd:42`), or what disagrees; null: its source states it.';
COMMENT ON COLUMN "clusters"."latitude" IS 'WGS 84 latitude, degrees north: stated, else of its region (basis and error: `regions`).';
COMMENT ON COLUMN "clusters"."longitude" IS 'WGS 84 longitude, degrees east: stated, else of its region.';
COMMENT ON COLUMN "clusters"."themes" IS 'Themes of the founding paper: stated, else given by `theme_rules` to the product.';
COMMENT ON COLUMN "clusters"."note" IS 'What the source adds in words, or what we say of the reading.';
COMMENT ON COLUMN "clusters"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "clusters"."source_url" IS 'The address that states it, or a file name.';
COMMENT ON COLUMN "clusters"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "clusters"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "clusters"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "clusters"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "clusters"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "cluster_identification" (
    "cluster_id" VARCHAR,
    "rule_id" VARCHAR,
    "time_period" VARCHAR,
    "feed_id" VARCHAR,
    "is_cluster" BOOLEAN,
    "inputs" VARCHAR
);
COMMENT ON TABLE "cluster_identification" IS 'Which rule accepts or refuses which cell as a cluster, in which period, on what inputs.';
COMMENT ON COLUMN "cluster_identification"."cluster_id" IS 'The cell.';
COMMENT ON COLUMN "cluster_identification"."rule_id" IS 'The rule, such as `us.strong.state`.';
COMMENT ON COLUMN "cluster_identification"."time_period" IS 'The period that the rule looks at.';
COMMENT ON COLUMN "cluster_identification"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "cluster_identification"."is_cluster" IS 'The rule''s answer.';
COMMENT ON COLUMN "cluster_identification"."inputs" IS 'What the rule looked at, as JSON.';

CREATE TABLE "observations" (
    "cluster_id" VARCHAR,
    "indicator" VARCHAR,
    "unit_kind" VARCHAR,
    "time_period" VARCHAR,
    "method" VARCHAR,
    "feed_id" VARCHAR,
    "obs_value" DOUBLE,
    "unit_measure" VARCHAR,
    "obs_status" VARCHAR,
    "value_text" VARCHAR,
    "qualifier" VARCHAR,
    "period_start" DATE,
    "period_end" DATE,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "observations" IS 'One value of one indicator of one cluster or cell in one period.';
COMMENT ON COLUMN "observations"."cluster_id" IS 'The cell or cluster.';
COMMENT ON COLUMN "observations"."indicator" IS 'What is measured, such as `employment`.';
COMMENT ON COLUMN "observations"."unit_kind" IS 'What is counted, where it matters (`firms`, `looms`, `artisans`); else `_Z`.';
COMMENT ON COLUMN "observations"."time_period" IS 'SDMX time period: `2016`, `2018-04-01/P1Y`, or `undated`.';
COMMENT ON COLUMN "observations"."method" IS 'How the value was made; values of different methods are not comparable.';
COMMENT ON COLUMN "observations"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "observations"."obs_value" IS 'The value, as a plain amount of `unit_measure`; null where the status says why.';
COMMENT ON COLUMN "observations"."unit_measure" IS '`persons`, `ratio`, an ISO 4217 code …';
COMMENT ON COLUMN "observations"."obs_status" IS 'SDMX: A normal, E estimated or imputed, O missing, Q suppressed, B series break, P provisional.';
COMMENT ON COLUMN "observations"."value_text" IS 'The value as it was written.';
COMMENT ON COLUMN "observations"."qualifier" IS 'How the value is hedged, where it is.';
COMMENT ON COLUMN "observations"."period_start" IS 'First day of the period.';
COMMENT ON COLUMN "observations"."period_end" IS 'Last day of the period.';
COMMENT ON COLUMN "observations"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "observations"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "observations"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "observations"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "observations"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "organisations" (
    "organisation_id" VARCHAR,
    "feed_id" VARCHAR,
    "name" VARCHAR,
    "roles" VARCHAR[],
    "kind" VARCHAR,
    "country_code" VARCHAR,
    "region_id" VARCHAR,
    "place" VARCHAR,
    "region_match" VARCHAR,
    "categories" VARCHAR[],
    "members" BIGINT,
    "members_smes" BIGINT,
    "members_large" BIGINT,
    "members_research" BIGINT,
    "label" VARCHAR,
    "founded_year" INTEGER,
    "website" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "organisations" IS 'Bodies in or for clusters. No personal data.';
COMMENT ON COLUMN "organisations"."organisation_id" IS '`<feed>:<the source''s own key>`.';
COMMENT ON COLUMN "organisations"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "organisations"."name" IS 'Name as published, cleaned.';
COMMENT ON COLUMN "organisations"."roles" IS 'Roles after the founding paper.';
COMMENT ON COLUMN "organisations"."kind" IS 'What kind of body it is, in the source''s words.';
COMMENT ON COLUMN "organisations"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "organisations"."region_id" IS 'Where it sits.';
COMMENT ON COLUMN "organisations"."place" IS 'Where it sits, in the source''s words.';
COMMENT ON COLUMN "organisations"."region_match" IS 'Whether the words name one region, several or none we know; null: they name no region.';
COMMENT ON COLUMN "organisations"."categories" IS 'Activity classes it works for (category ids).';
COMMENT ON COLUMN "organisations"."members" IS 'Member firms or bodies.';
COMMENT ON COLUMN "organisations"."members_smes" IS 'Small and medium-sized firms among them.';
COMMENT ON COLUMN "organisations"."members_large" IS 'Large firms among them.';
COMMENT ON COLUMN "organisations"."members_research" IS 'Research organisations among them.';
COMMENT ON COLUMN "organisations"."label" IS 'Label of quality of its management, in the source''s words.';
COMMENT ON COLUMN "organisations"."founded_year" IS 'Year in which it was founded.';
COMMENT ON COLUMN "organisations"."website" IS 'Its own front page.';
COMMENT ON COLUMN "organisations"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "organisations"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "organisations"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "organisations"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "organisations"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "organisations"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "initiatives" (
    "initiative_id" VARCHAR,
    "feed_id" VARCHAR,
    "title" VARCHAR,
    "kind" VARCHAR,
    "level" VARCHAR,
    "country_code" VARCHAR,
    "sector_scheme" VARCHAR,
    "sector_code" VARCHAR,
    "sector_name" VARCHAR,
    "start_date" DATE,
    "end_date" DATE,
    "date_precision" VARCHAR,
    "commitment_usd_net" DOUBLE,
    "commitment_usd_gross" DOUBLE,
    "implementer" VARCHAR,
    "clusters_covered" BIGINT,
    "clusters_covered_as_of" VARCHAR,
    "selection" VARCHAR,
    "objectives" VARCHAR[],
    "themes" VARCHAR[],
    "status" VARCHAR,
    "award_number" VARCHAR,
    "same_as" VARCHAR[],
    "note" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "initiatives" IS 'Laws, schemes, programmes and projects that support clusters (IATI: activity).';
COMMENT ON COLUMN "initiatives"."initiative_id" IS '`<feed>:<the source''s own key>`.';
COMMENT ON COLUMN "initiatives"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "initiatives"."title" IS 'Title as published.';
COMMENT ON COLUMN "initiatives"."kind" IS 'What it is.';
COMMENT ON COLUMN "initiatives"."level" IS 'Level of government or reach.';
COMMENT ON COLUMN "initiatives"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "initiatives"."sector_scheme" IS 'Classification of the largest sector: `usg` or `dac`.';
COMMENT ON COLUMN "initiatives"."sector_code" IS 'Code of the largest sector.';
COMMENT ON COLUMN "initiatives"."sector_name" IS 'Name of the largest sector.';
COMMENT ON COLUMN "initiatives"."start_date" IS 'First day; see `date_precision`.';
COMMENT ON COLUMN "initiatives"."end_date" IS 'Last day; see `date_precision`.';
COMMENT ON COLUMN "initiatives"."date_precision" IS 'How precisely the dates are stated: a year stands as its first or last day.';
COMMENT ON COLUMN "initiatives"."commitment_usd_net" IS 'Commitments less de-obligations, USD.';
COMMENT ON COLUMN "initiatives"."commitment_usd_gross" IS 'Commitments, USD.';
COMMENT ON COLUMN "initiatives"."implementer" IS 'Who carries it out.';
COMMENT ON COLUMN "initiatives"."clusters_covered" IS 'Clusters that it covers, as stated.';
COMMENT ON COLUMN "initiatives"."clusters_covered_as_of" IS 'The date of that count, as stated.';
COMMENT ON COLUMN "initiatives"."selection" IS 'Why it is here.';
COMMENT ON COLUMN "initiatives"."objectives" IS 'Stated objectives.';
COMMENT ON COLUMN "initiatives"."themes" IS 'Themes of the founding paper.';
COMMENT ON COLUMN "initiatives"."status" IS 'Its state, in the source''s words.';
COMMENT ON COLUMN "initiatives"."award_number" IS 'Number of the contract or grant that carries it out, where the source states one.';
COMMENT ON COLUMN "initiatives"."same_as" IS 'Other rows of this table that tell of the same initiative.';
COMMENT ON COLUMN "initiatives"."note" IS 'What the source adds in words, or what we say of the reading.';
COMMENT ON COLUMN "initiatives"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "initiatives"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "initiatives"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "initiatives"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "initiatives"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "initiatives"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "initiative_sectors" (
    "initiative_id" VARCHAR,
    "seq" INTEGER,
    "feed_id" VARCHAR,
    "sector_scheme" VARCHAR,
    "sector_code" VARCHAR,
    "sector_name" VARCHAR,
    "commitment_usd_net" DOUBLE,
    "commitment_usd_gross" DOUBLE,
    "deobligations" BIGINT,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "initiative_sectors" IS 'Sectors of an initiative, with their share of its money.';
COMMENT ON COLUMN "initiative_sectors"."initiative_id" IS 'The initiative.';
COMMENT ON COLUMN "initiative_sectors"."seq" IS 'Position within its parent, from 1.';
COMMENT ON COLUMN "initiative_sectors"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "initiative_sectors"."sector_scheme" IS '`usg` or `dac`.';
COMMENT ON COLUMN "initiative_sectors"."sector_code" IS 'Code in that scheme.';
COMMENT ON COLUMN "initiative_sectors"."sector_name" IS 'Name in that scheme.';
COMMENT ON COLUMN "initiative_sectors"."commitment_usd_net" IS 'Commitments less de-obligations, USD.';
COMMENT ON COLUMN "initiative_sectors"."commitment_usd_gross" IS 'Commitments, USD.';
COMMENT ON COLUMN "initiative_sectors"."deobligations" IS 'Number of de-obligations.';
COMMENT ON COLUMN "initiative_sectors"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "initiative_sectors"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "initiative_sectors"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "initiative_sectors"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "initiative_sectors"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "initiative_locations" (
    "initiative_id" VARCHAR,
    "seq" INTEGER,
    "feed_id" VARCHAR,
    "country_code" VARCHAR,
    "admin_name" VARCHAR,
    "latitude" DOUBLE,
    "longitude" DOUBLE,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "initiative_locations" IS 'Places in which an initiative works.';
COMMENT ON COLUMN "initiative_locations"."initiative_id" IS 'The initiative.';
COMMENT ON COLUMN "initiative_locations"."seq" IS 'Position within its parent, from 1.';
COMMENT ON COLUMN "initiative_locations"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "initiative_locations"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "initiative_locations"."admin_name" IS 'Name of the place as published.';
COMMENT ON COLUMN "initiative_locations"."latitude" IS 'WGS 84 latitude, degrees north.';
COMMENT ON COLUMN "initiative_locations"."longitude" IS 'WGS 84 longitude, degrees east.';
COMMENT ON COLUMN "initiative_locations"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "initiative_locations"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "initiative_locations"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "initiative_locations"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "initiative_locations"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "initiative_locations"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "initiative_organisations" (
    "initiative_id" VARCHAR,
    "seq" INTEGER,
    "feed_id" VARCHAR,
    "organisation_name" VARCHAR,
    "organisation_id" VARCHAR,
    "role" VARCHAR,
    "org_type" VARCHAR,
    "share" DOUBLE,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "initiative_organisations" IS 'Bodies that take part in an initiative (IATI: participating-org).';
COMMENT ON COLUMN "initiative_organisations"."initiative_id" IS 'The initiative.';
COMMENT ON COLUMN "initiative_organisations"."seq" IS 'Position within its parent, from 1.';
COMMENT ON COLUMN "initiative_organisations"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "initiative_organisations"."organisation_name" IS 'Name as published.';
COMMENT ON COLUMN "initiative_organisations"."organisation_id" IS 'The organisation, where it is known.';
COMMENT ON COLUMN "initiative_organisations"."role" IS 'IATI organisation role.';
COMMENT ON COLUMN "initiative_organisations"."org_type" IS 'IATI organisation type: its code, named in `codes`.';
COMMENT ON COLUMN "initiative_organisations"."share" IS 'Its share of the money, from 0 to 1.';
COMMENT ON COLUMN "initiative_organisations"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "initiative_organisations"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "initiative_organisations"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "initiative_organisations"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "initiative_organisations"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "initiative_organisations"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "initiative_components" (
    "initiative_id" VARCHAR,
    "seq" INTEGER,
    "feed_id" VARCHAR,
    "name" VARCHAR,
    "max_cost" DOUBLE,
    "cost_unit" VARCHAR,
    "currency" VARCHAR,
    "unit_basis" VARCHAR,
    "grant_share" DOUBLE,
    "grant_share_special" DOUBLE,
    "special_condition" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "initiative_components" IS 'What an initiative pays for, and how much of it.';
COMMENT ON COLUMN "initiative_components"."initiative_id" IS 'The initiative.';
COMMENT ON COLUMN "initiative_components"."seq" IS 'Position within its parent, from 1.';
COMMENT ON COLUMN "initiative_components"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "initiative_components"."name" IS 'Name of the component.';
COMMENT ON COLUMN "initiative_components"."max_cost" IS 'The figure as stated, in `cost_unit`.';
COMMENT ON COLUMN "initiative_components"."cost_unit" IS 'The unit as stated, such as `lakh INR`.';
COMMENT ON COLUMN "initiative_components"."currency" IS 'ISO 4217.';
COMMENT ON COLUMN "initiative_components"."unit_basis" IS 'Whether the unit is stated or inferred, and from what.';
COMMENT ON COLUMN "initiative_components"."grant_share" IS 'Share that is granted, from 0 to 1.';
COMMENT ON COLUMN "initiative_components"."grant_share_special" IS 'Share under the special condition.';
COMMENT ON COLUMN "initiative_components"."special_condition" IS 'That condition.';
COMMENT ON COLUMN "initiative_components"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "initiative_components"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "initiative_components"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "initiative_components"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "initiative_components"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "initiative_components"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "initiative_relations" (
    "initiative_id" VARCHAR,
    "seq" INTEGER,
    "feed_id" VARCHAR,
    "relation" VARCHAR,
    "to_initiative_id" VARCHAR,
    "relation_date" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "initiative_relations" IS 'How initiatives follow, subsume or rename each other.';
COMMENT ON COLUMN "initiative_relations"."initiative_id" IS 'The initiative.';
COMMENT ON COLUMN "initiative_relations"."seq" IS 'Position within its parent, from 1.';
COMMENT ON COLUMN "initiative_relations"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "initiative_relations"."relation" IS 'What it did.';
COMMENT ON COLUMN "initiative_relations"."to_initiative_id" IS 'To which other one.';
COMMENT ON COLUMN "initiative_relations"."relation_date" IS 'When, as stated.';
COMMENT ON COLUMN "initiative_relations"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "initiative_relations"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "initiative_relations"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "initiative_relations"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "initiative_relations"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "initiative_relations"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "claims" (
    "claim_id" VARCHAR,
    "feed_id" VARCHAR,
    "subject" VARCHAR,
    "measure" VARCHAR,
    "value" DOUBLE,
    "qualifier" VARCHAR,
    "unit" VARCHAR,
    "scope" VARCHAR,
    "as_of" VARCHAR,
    "stated_by" VARCHAR,
    "classification" VARCHAR,
    "programme" VARCHAR,
    "initiative_id" VARCHAR,
    "contradicts" VARCHAR[],
    "note" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "claims" IS 'Figures that somebody states about the world. Claims may contradict each other.';
COMMENT ON COLUMN "claims"."claim_id" IS 'Stable id of the claim.';
COMMENT ON COLUMN "claims"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "claims"."subject" IS 'What is counted, such as `clusters`.';
COMMENT ON COLUMN "claims"."measure" IS 'How, such as `count`.';
COMMENT ON COLUMN "claims"."value" IS 'The figure.';
COMMENT ON COLUMN "claims"."qualifier" IS 'How it is hedged; `exact`: not at all.';
COMMENT ON COLUMN "claims"."unit" IS 'Its unit.';
COMMENT ON COLUMN "claims"."scope" IS 'Of where: `world`, `region:EU`, `country:IN`, ISO 3166-2 `CA-QC`, a region_id, or `place:GB:<name>`.';
COMMENT ON COLUMN "claims"."as_of" IS 'Of when, as stated.';
COMMENT ON COLUMN "claims"."stated_by" IS 'Who states it.';
COMMENT ON COLUMN "claims"."classification" IS 'The classification that the subject is a class of, as stated.';
COMMENT ON COLUMN "claims"."programme" IS 'The programme whose work is counted, as stated.';
COMMENT ON COLUMN "claims"."initiative_id" IS 'The initiative whose work is counted, where it is one of ours.';
COMMENT ON COLUMN "claims"."contradicts" IS 'Claims that say otherwise.';
COMMENT ON COLUMN "claims"."note" IS 'What the source adds in words, or what we say of the reading.';
COMMENT ON COLUMN "claims"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "claims"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "claims"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "claims"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "claims"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "claims"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "resources" (
    "resource_id" VARCHAR,
    "feed_id" VARCHAR,
    "name" VARCHAR,
    "kind" VARCHAR,
    "publisher" VARCHAR,
    "url" VARCHAR,
    "scope" VARCHAR,
    "since" VARCHAR,
    "status" VARCHAR,
    "what_it_holds" VARCHAR,
    "feed_ids" VARCHAR[],
    "note" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "resources" IS 'Observatories, networks, platforms and directories of clusters, and what became of them.';
COMMENT ON COLUMN "resources"."resource_id" IS 'Stable id.';
COMMENT ON COLUMN "resources"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "resources"."name" IS 'Name.';
COMMENT ON COLUMN "resources"."kind" IS 'What it is.';
COMMENT ON COLUMN "resources"."publisher" IS 'Who runs it.';
COMMENT ON COLUMN "resources"."url" IS 'Its address.';
COMMENT ON COLUMN "resources"."scope" IS 'Which places and activities it covers.';
COMMENT ON COLUMN "resources"."since" IS 'Since when, as stated.';
COMMENT ON COLUMN "resources"."status" IS 'Whether it still serves.';
COMMENT ON COLUMN "resources"."what_it_holds" IS 'What can be found there.';
COMMENT ON COLUMN "resources"."feed_ids" IS 'Our feeds that harvest it.';
COMMENT ON COLUMN "resources"."note" IS 'What the source adds in words, or what we say of the reading.';
COMMENT ON COLUMN "resources"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "resources"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "resources"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "resources"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "resources"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "resources"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "codes" (
    "code_list" VARCHAR,
    "code" VARCHAR,
    "feed_id" VARCHAR,
    "name" VARCHAR,
    "definition" VARCHAR,
    "parent_code" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "codes" IS 'Code lists (SDMX): the vocabulary of the founding paper, and the lists of others that our columns use.';
COMMENT ON COLUMN "codes"."code_list" IS 'The list, such as `theme` or `product_class`.';
COMMENT ON COLUMN "codes"."code" IS 'The code.';
COMMENT ON COLUMN "codes"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "codes"."name" IS 'Its name.';
COMMENT ON COLUMN "codes"."definition" IS 'What it means, where the list says so.';
COMMENT ON COLUMN "codes"."parent_code" IS 'The wider code of the same list.';
COMMENT ON COLUMN "codes"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "codes"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "codes"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "codes"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "codes"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "codes"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "theme_rules" (
    "rule_id" VARCHAR,
    "feed_id" VARCHAR,
    "product" VARCHAR,
    "theme" VARCHAR,
    "citation" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "theme_rules" IS 'Which product gives a cluster which theme (Table 1 of the founding paper).';
COMMENT ON COLUMN "theme_rules"."rule_id" IS '`T1-01` to `T1-22`, in the order of the table.';
COMMENT ON COLUMN "theme_rules"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "theme_rules"."product" IS 'The product; `&` joins two that each suffice.';
COMMENT ON COLUMN "theme_rules"."theme" IS 'The theme (`codes`, list `theme`).';
COMMENT ON COLUMN "theme_rules"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "theme_rules"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "theme_rules"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "theme_rules"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "theme_rules"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "theme_rules"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';

CREATE TABLE "links" (
    "from_id" VARCHAR,
    "to_id" VARCHAR,
    "relation" VARCHAR,
    "feed_id" VARCHAR,
    "score" DOUBLE,
    "method" VARCHAR,
    "decision" VARCHAR,
    "route" VARCHAR
);
COMMENT ON TABLE "links" IS 'The same thing in two feeds, and what serves, supports, funds or contains what.';
COMMENT ON COLUMN "links"."from_id" IS 'One end.';
COMMENT ON COLUMN "links"."to_id" IS 'The other end.';
COMMENT ON COLUMN "links"."relation" IS 'What joins them.';
COMMENT ON COLUMN "links"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "links"."score" IS 'Likeness from 0 to 1.';
COMMENT ON COLUMN "links"."method" IS 'How it was found.';
COMMENT ON COLUMN "links"."decision" IS 'What was decided, and by what.';
COMMENT ON COLUMN "links"."route" IS 'How the feed was reached.';

CREATE TABLE "global_clusters" (
    "global_cluster_id" VARCHAR,
    "feed_id" VARCHAR,
    "name" VARCHAR,
    "country_code" VARCHAR,
    "region_id" VARCHAR,
    "hub_category_id" VARCHAR,
    "kind" VARCHAR,
    "members" VARCHAR[],
    "feeds" VARCHAR[],
    "in_total" BOOLEAN,
    "route" VARCHAR
);
COMMENT ON TABLE "global_clusters" IS 'The unified dataset: one row per real-world cluster.';
COMMENT ON COLUMN "global_clusters"."global_cluster_id" IS 'Stable id.';
COMMENT ON COLUMN "global_clusters"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "global_clusters"."name" IS 'Name.';
COMMENT ON COLUMN "global_clusters"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "global_clusters"."region_id" IS 'Where it is.';
COMMENT ON COLUMN "global_clusters"."hub_category_id" IS 'Its activity (`bcd:`).';
COMMENT ON COLUMN "global_clusters"."kind" IS 'Kind of its best evidence.';
COMMENT ON COLUMN "global_clusters"."members" IS 'The clusters that it unites.';
COMMENT ON COLUMN "global_clusters"."feeds" IS 'The feeds that state them.';
COMMENT ON COLUMN "global_clusters"."in_total" IS 'It is counted in the total of its country in `census`. False: cells are counted there, and this was only surveyed or documented, with no link to one of them.';
COMMENT ON COLUMN "global_clusters"."route" IS 'How the feed was reached.';

CREATE TABLE "census" (
    "scope" VARCHAR,
    "kind" VARCHAR,
    "hub_category_id" VARCHAR,
    "rule_id" VARCHAR,
    "feed_id" VARCHAR,
    "level" VARCHAR,
    "found" BIGINT,
    "declared" DOUBLE,
    "deduplicated" BIGINT,
    "low" BIGINT,
    "high" BIGINT,
    "coverage_note" VARCHAR,
    "route" VARCHAR
);
COMMENT ON TABLE "census" IS 'How many clusters there are, by scope and rule: found, declared, deduplicated, as a range.';
COMMENT ON COLUMN "census"."scope" IS '`world`, or `country:IN` …';
COMMENT ON COLUMN "census"."kind" IS 'Kind of cluster.';
COMMENT ON COLUMN "census"."hub_category_id" IS 'Activity class, or `all`.';
COMMENT ON COLUMN "census"."rule_id" IS 'The rule that identifies, or the claim that declares.';
COMMENT ON COLUMN "census"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "census"."level" IS 'The one non-overlapping region level that is counted; of the world the levels of its countries.';
COMMENT ON COLUMN "census"."found" IS 'Clusters found.';
COMMENT ON COLUMN "census"."declared" IS 'Clusters that somebody declares.';
COMMENT ON COLUMN "census"."deduplicated" IS 'Clusters found, each real-world cluster once.';
COMMENT ON COLUMN "census"."low" IS 'Lower bound.';
COMMENT ON COLUMN "census"."high" IS 'Upper bound.';
COMMENT ON COLUMN "census"."coverage_note" IS 'What is and is not counted.';
COMMENT ON COLUMN "census"."route" IS 'How the feed was reached.';

CREATE TABLE "documents" (
    "document_id" VARCHAR,
    "feed_id" VARCHAR,
    "url" VARCHAR,
    "retrieved_at" TIMESTAMP,
    "archived_at" TIMESTAMP,
    "http_status" INTEGER,
    "media_type" VARCHAR,
    "sha256" VARCHAR,
    "bytes" BIGINT,
    "warc_file" VARCHAR,
    "warc_offset" BIGINT,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "documents" IS 'The archived answers that state at least one record. The row describes the first capture.';
COMMENT ON COLUMN "documents"."document_id" IS '`<feed>:<first 16 hex of sha256(url + sha256 of the body)>`.';
COMMENT ON COLUMN "documents"."feed_id" IS 'The feed.';
COMMENT ON COLUMN "documents"."url" IS 'Its address, without secrets; `file:<feed>/<name>` for a saved file.';
COMMENT ON COLUMN "documents"."retrieved_at" IS 'When we received it (UTC).';
COMMENT ON COLUMN "documents"."archived_at" IS 'When a web archive captured it (UTC), where one did.';
COMMENT ON COLUMN "documents"."http_status" IS 'HTTP status; null for a saved file.';
COMMENT ON COLUMN "documents"."media_type" IS 'Media type as declared.';
COMMENT ON COLUMN "documents"."sha256" IS 'SHA-256 (hex) of the content-decoded body.';
COMMENT ON COLUMN "documents"."bytes" IS 'Length of the content-decoded body, bytes.';
COMMENT ON COLUMN "documents"."warc_file" IS 'WARC file, relative to the home.';
COMMENT ON COLUMN "documents"."warc_offset" IS 'Byte offset of the record in it.';
COMMENT ON COLUMN "documents"."synthetic" IS 'True where a replica answered.';

CREATE TABLE "harvests" (
    "harvest_id" VARCHAR,
    "feed_id" VARCHAR,
    "route" VARCHAR,
    "started_at" TIMESTAMP,
    "finished_at" TIMESTAMP,
    "evidence_at" TIMESTAMP,
    "status" VARCHAR,
    "scope" VARCHAR[],
    "requests" BIGINT,
    "bytes" BIGINT,
    "documents" BIGINT,
    "records" BIGINT,
    "records_expected" BIGINT,
    "empty" BIGINT,
    "dropped" BIGINT,
    "quarantined" BIGINT,
    "rows_opened" BIGINT,
    "rows_changed" BIGINT,
    "rows_closed" BIGINT,
    "reason" VARCHAR,
    "replay_of" VARCHAR,
    "software_version" VARCHAR,
    "synthetic" BOOLEAN
);
COMMENT ON TABLE "harvests" IS 'Every harvest that reached the warehouse or ended before it.';
COMMENT ON COLUMN "harvests"."harvest_id" IS 'UTC time + feed; sortable.';
COMMENT ON COLUMN "harvests"."feed_id" IS 'The feed.';
COMMENT ON COLUMN "harvests"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "harvests"."started_at" IS 'Start of its first attempt (UTC).';
COMMENT ON COLUMN "harvests"."finished_at" IS 'End of its last attempt (UTC).';
COMMENT ON COLUMN "harvests"."evidence_at" IS 'How old its newest evidence is (UTC).';
COMMENT ON COLUMN "harvests"."status" IS 'What came of it.';
COMMENT ON COLUMN "harvests"."scope" IS 'Partitions that it read completely.';
COMMENT ON COLUMN "harvests"."requests" IS 'Requests sent.';
COMMENT ON COLUMN "harvests"."bytes" IS 'Bytes received.';
COMMENT ON COLUMN "harvests"."documents" IS 'Documents that were offered to the parser.';
COMMENT ON COLUMN "harvests"."records" IS 'Records found of the kind that the denominator counts.';
COMMENT ON COLUMN "harvests"."records_expected" IS 'Records that the denominator asks for.';
COMMENT ON COLUMN "harvests"."empty" IS 'Placeholders for nothing, which make no row.';
COMMENT ON COLUMN "harvests"."dropped" IS 'Records knowingly left out.';
COMMENT ON COLUMN "harvests"."quarantined" IS 'Records and values rejected by the contract.';
COMMENT ON COLUMN "harvests"."rows_opened" IS 'Rows that it added.';
COMMENT ON COLUMN "harvests"."rows_changed" IS 'Rows that it replaced.';
COMMENT ON COLUMN "harvests"."rows_closed" IS 'Rows that it ended.';
COMMENT ON COLUMN "harvests"."reason" IS 'Why it was held, failed or stayed partial; an operator''s words if accepted.';
COMMENT ON COLUMN "harvests"."replay_of" IS 'The harvest whose archive it parsed again.';
COMMENT ON COLUMN "harvests"."software_version" IS 'Version that parsed and loaded it.';
COMMENT ON COLUMN "harvests"."synthetic" IS 'True where a replica answered.';

CREATE TABLE "quarantine" (
    "harvest_id" VARCHAR,
    "seq" INTEGER,
    "feed_id" VARCHAR,
    "level" VARCHAR,
    "kind" VARCHAR,
    "field" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "reason" VARCHAR,
    "raw" VARCHAR
);
COMMENT ON TABLE "quarantine" IS 'Records and values that the contract rejected, and why.';
COMMENT ON COLUMN "quarantine"."harvest_id" IS 'The harvest.';
COMMENT ON COLUMN "quarantine"."seq" IS 'Position in it, from 1.';
COMMENT ON COLUMN "quarantine"."feed_id" IS 'The feed.';
COMMENT ON COLUMN "quarantine"."level" IS 'Whether the record or only a value was rejected.';
COMMENT ON COLUMN "quarantine"."kind" IS 'Kind of record.';
COMMENT ON COLUMN "quarantine"."field" IS 'The field, where one is at fault.';
COMMENT ON COLUMN "quarantine"."document_id" IS 'The document.';
COMMENT ON COLUMN "quarantine"."locator" IS 'The record in it.';
COMMENT ON COLUMN "quarantine"."reason" IS 'What was expected and what came.';
COMMENT ON COLUMN "quarantine"."raw" IS 'The record as it came; null in public releases.';

CREATE TABLE "id_ledger" (
    "id" VARCHAR,
    "feed_id" VARCHAR,
    "table_name" VARCHAR,
    "status" VARCHAR,
    "successor_ids" VARCHAR[],
    "since_release" VARCHAR
);
COMMENT ON TABLE "id_ledger" IS 'Every id that was ever published by this profile, for ever.';
COMMENT ON COLUMN "id_ledger"."id" IS 'The id.';
COMMENT ON COLUMN "id_ledger"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "id_ledger"."table_name" IS 'The table that it identifies a row of.';
COMMENT ON COLUMN "id_ledger"."status" IS 'What became of it.';
COMMENT ON COLUMN "id_ledger"."successor_ids" IS 'The ids that follow it.';
COMMENT ON COLUMN "id_ledger"."since_release" IS 'The release since which the status holds.';

CREATE TABLE "changes" (
    "release_id" VARCHAR,
    "table_name" VARCHAR,
    "row_id" VARCHAR,
    "column_name" VARCHAR,
    "feed_id" VARCHAR,
    "change" VARCHAR,
    "old_value" VARCHAR,
    "new_value" VARCHAR,
    "cause" VARCHAR
);
COMMENT ON TABLE "changes" IS 'What differs from the previous release of the same profile.';
COMMENT ON COLUMN "changes"."release_id" IS 'The release.';
COMMENT ON COLUMN "changes"."table_name" IS 'The table.';
COMMENT ON COLUMN "changes"."row_id" IS 'Key of the row, its parts joined by `|`; `*`: the whole table.';
COMMENT ON COLUMN "changes"."column_name" IS 'The column; `*`: the whole row.';
COMMENT ON COLUMN "changes"."feed_id" IS 'The feed.';
COMMENT ON COLUMN "changes"."change" IS 'What happened.';
COMMENT ON COLUMN "changes"."old_value" IS 'Value before.';
COMMENT ON COLUMN "changes"."new_value" IS 'Value now.';
COMMENT ON COLUMN "changes"."cause" IS 'Whether the source or our software changed, or both.';

CREATE TABLE "observations_closed" (
    "cluster_id" VARCHAR,
    "indicator" VARCHAR,
    "unit_kind" VARCHAR,
    "time_period" VARCHAR,
    "method" VARCHAR,
    "feed_id" VARCHAR,
    "obs_value" DOUBLE,
    "unit_measure" VARCHAR,
    "obs_status" VARCHAR,
    "value_text" VARCHAR,
    "qualifier" VARCHAR,
    "period_start" DATE,
    "period_end" DATE,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN,
    "closed_by" VARCHAR,
    "valid_from" TIMESTAMP,
    "valid_to" TIMESTAMP
);
COMMENT ON TABLE "observations_closed" IS 'Observations that a later harvest replaced or no longer found.';
COMMENT ON COLUMN "observations_closed"."cluster_id" IS 'The cell or cluster.';
COMMENT ON COLUMN "observations_closed"."indicator" IS 'What is measured, such as `employment`.';
COMMENT ON COLUMN "observations_closed"."unit_kind" IS 'What is counted, where it matters (`firms`, `looms`, `artisans`); else `_Z`.';
COMMENT ON COLUMN "observations_closed"."time_period" IS 'SDMX time period: `2016`, `2018-04-01/P1Y`, or `undated`.';
COMMENT ON COLUMN "observations_closed"."method" IS 'How the value was made; values of different methods are not comparable.';
COMMENT ON COLUMN "observations_closed"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "observations_closed"."obs_value" IS 'The value, as a plain amount of `unit_measure`; null where the status says why.';
COMMENT ON COLUMN "observations_closed"."unit_measure" IS '`persons`, `ratio`, an ISO 4217 code …';
COMMENT ON COLUMN "observations_closed"."obs_status" IS 'SDMX: A normal, E estimated or imputed, O missing, Q suppressed, B series break, P provisional.';
COMMENT ON COLUMN "observations_closed"."value_text" IS 'The value as it was written.';
COMMENT ON COLUMN "observations_closed"."qualifier" IS 'How the value is hedged, where it is.';
COMMENT ON COLUMN "observations_closed"."period_start" IS 'First day of the period.';
COMMENT ON COLUMN "observations_closed"."period_end" IS 'Last day of the period.';
COMMENT ON COLUMN "observations_closed"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "observations_closed"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "observations_closed"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "observations_closed"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "observations_closed"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';
COMMENT ON COLUMN "observations_closed"."closed_by" IS 'The harvest that closed the row.';
COMMENT ON COLUMN "observations_closed"."valid_from" IS 'Age of the evidence that opened the row (UTC).';
COMMENT ON COLUMN "observations_closed"."valid_to" IS 'Age of the evidence that closed the row (UTC).';

CREATE TABLE "clusters_closed" (
    "cluster_id" VARCHAR,
    "feed_id" VARCHAR,
    "source_id" VARCHAR,
    "name" VARCHAR,
    "kind" VARCHAR,
    "identified_by" VARCHAR[],
    "region_id" VARCHAR,
    "place" VARCHAR,
    "country_code" VARCHAR,
    "category_id" VARCHAR,
    "hub_category_id" VARCHAR,
    "hub_category_match" VARCHAR,
    "hub_category_basis" VARCHAR[],
    "product" VARCHAR,
    "product_class" VARCHAR,
    "product_class_basis" VARCHAR[],
    "latitude" DOUBLE,
    "longitude" DOUBLE,
    "themes" VARCHAR[],
    "note" VARCHAR,
    "citation" VARCHAR,
    "source_url" VARCHAR,
    "document_id" VARCHAR,
    "locator" VARCHAR,
    "harvest_id" VARCHAR,
    "route" VARCHAR,
    "synthetic" BOOLEAN,
    "closed_by" VARCHAR,
    "valid_from" TIMESTAMP,
    "valid_to" TIMESTAMP
);
COMMENT ON TABLE "clusters_closed" IS 'Clusters that a later harvest changed or no longer found.';
COMMENT ON COLUMN "clusters_closed"."cluster_id" IS '`<feed>:<the source''s own key>`.';
COMMENT ON COLUMN "clusters_closed"."feed_id" IS 'The feed that states the row; `derived` where it is computed across feeds.';
COMMENT ON COLUMN "clusters_closed"."source_id" IS 'The observatory.';
COMMENT ON COLUMN "clusters_closed"."name" IS 'Cleaned name.';
COMMENT ON COLUMN "clusters_closed"."kind" IS 'A cell is not yet a cluster.';
COMMENT ON COLUMN "clusters_closed"."identified_by" IS 'Rules that accept it as a cluster in any period; empty: only a cell.';
COMMENT ON COLUMN "clusters_closed"."region_id" IS 'Where it is.';
COMMENT ON COLUMN "clusters_closed"."place" IS 'Where it is, in the source''s words.';
COMMENT ON COLUMN "clusters_closed"."country_code" IS 'ISO 3166-1 alpha-2.';
COMMENT ON COLUMN "clusters_closed"."category_id" IS 'Its activity, in the source''s classification.';
COMMENT ON COLUMN "clusters_closed"."hub_category_id" IS 'Its activity in the hub classification (`bcd:`), or null.';
COMMENT ON COLUMN "clusters_closed"."hub_category_match" IS 'How the hub category was found: by the mapping of its class, by the words of its product, or not; null: its feed states it, or there is nothing to go by.';
COMMENT ON COLUMN "clusters_closed"."hub_category_basis" IS 'The classes by which it was found, or which disagree (`eco38:`, `product:` ...).';
COMMENT ON COLUMN "clusters_closed"."product" IS 'What it makes, in the source''s words.';
COMMENT ON COLUMN "clusters_closed"."product_class" IS 'Product class of the founding paper.';
COMMENT ON COLUMN "clusters_closed"."product_class_basis" IS 'What gave the class (`word:textile`, `category:bcd:42`), or what disagrees; null: its source states it.';
COMMENT ON COLUMN "clusters_closed"."latitude" IS 'WGS 84 latitude, degrees north: stated, else of its region (basis and error: `regions`).';
COMMENT ON COLUMN "clusters_closed"."longitude" IS 'WGS 84 longitude, degrees east: stated, else of its region.';
COMMENT ON COLUMN "clusters_closed"."themes" IS 'Themes of the founding paper: stated, else given by `theme_rules` to the product.';
COMMENT ON COLUMN "clusters_closed"."note" IS 'What the source adds in words, or what we say of the reading.';
COMMENT ON COLUMN "clusters_closed"."citation" IS 'What to cite for the row, such as work and section; null: cite the feed.';
COMMENT ON COLUMN "clusters_closed"."source_url" IS 'The address that states it, or a file name.';
COMMENT ON COLUMN "clusters_closed"."document_id" IS 'The archived document that states the row (documents.document_id).';
COMMENT ON COLUMN "clusters_closed"."locator" IS 'The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`.';
COMMENT ON COLUMN "clusters_closed"."harvest_id" IS 'The harvest that opened the row.';
COMMENT ON COLUMN "clusters_closed"."route" IS 'How the feed was reached.';
COMMENT ON COLUMN "clusters_closed"."synthetic" IS 'True where the evidence is a replica: invented, for demo and tests.';
COMMENT ON COLUMN "clusters_closed"."closed_by" IS 'The harvest that closed the row.';
COMMENT ON COLUMN "clusters_closed"."valid_from" IS 'Age of the evidence that opened the row (UTC).';
COMMENT ON COLUMN "clusters_closed"."valid_to" IS 'Age of the evidence that closed the row (UTC).';

-- Rules that tell clusters from cells, each with its source. Tables `cluster_identification` and view `cluster_strength`
-- say which rule was given what.

-- The level of a region, by which peers are told apart: `us:state`, `nuts:2`, `ca:cma`, `country`.
CREATE MACRO region_level(region_id) AS
    CASE
        WHEN starts_with(region_id, 'nuts:') THEN 'nuts:' || (length(region_id) - length('nuts:XX'))
        ELSE regexp_replace(region_id, ':[^:]*$', '')
    END;

-- The set of categories of which none overlaps another, so that only within one set may cells be added: the scheme; of a
-- scheme whose classes hold or overlap each other the set in it. The ten emerging industries of EOCIC cut across the 51
-- categories (docs/sources/eu.md). Classes of NAICS are those of as many digits, a sector having two (31-33); what is an
-- aggregate of sectors stands alone. Other classes that have a parent are parts: `bcd`, `bcd, parts`.
CREATE MACRO category_set(category_id, parent_category_id) AS
    CASE
        WHEN starts_with(category_id, 'eocic:emerging-') THEN 'eocic, emerging'
        WHEN regexp_matches(category_id, '^naics[0-9]*:[0-9]{2}($|,|-[0-9]{2}$)')
            THEN split_part(category_id, ':', 1) || ', 2 digits'
        WHEN regexp_matches(category_id, '^naics[0-9]*:[0-9]{3}[0-9A-Z]*$')
            THEN split_part(category_id, ':', 1) || ', ' || length(split_part(category_id, ':', 2)) || ' digits'
        WHEN starts_with(category_id, 'naics') THEN regexp_replace(category_id, ':', ', ')
        WHEN parent_category_id IS NOT NULL THEN split_part(category_id, ':', 1) || ', parts'
        ELSE split_part(category_id, ':', 1)
    END;

-- us_2017: strength by Delgado, Porter, Stern (2016, Journal of Economic Geography 16(1)) as the published code of
-- clustermapping.us applies it since July 2017 (docs/sources/us.md): quantiles, by linear interpolation, over the regions
-- of one level that have employment in the category. An aggregate; what is null has no part in its bound.
CREATE MACRO us_2017_bounds(lq, employment, establishments) AS {
    'lq': quantile_cont(lq::DOUBLE, [0.25, 0.5, 0.75, 0.9]) FILTER (employment > 0),
    'employment': quantile_cont(employment::DOUBLE, 0.25) FILTER (employment > 0),
    'establishments': quantile_cont(establishments::DOUBLE, 0.25) FILTER (employment > 0)
};

-- us_2017: above the lower quartiles of employment and of establishments; establishments that are not stated are not asked for.
CREATE MACRO us_2017_large(employment, establishments, bounds) AS
    employment > 0 AND employment > bounds.employment
    AND (establishments IS NULL OR establishments > bounds.establishments);

-- us_2017: large, with a location quotient above the lower quartile.
CREATE MACRO us_2017_qualifying(lq, large, bounds) AS coalesce(large, false) AND lq > bounds.lq[1];

-- us_2017: large, with a location quotient above the median.
CREATE MACRO us_2017_significant(lq, large, bounds) AS coalesce(large, false) AND lq > bounds.lq[2];

-- us_2017: large, with a location quotient in the upper quarter and of at least 1; rules `us.strong.<level>`.
CREATE MACRO us_2017_strong(lq, large, bounds) AS coalesce(large, false) AND lq >= bounds.lq[3] AND lq >= 1;

-- us_2017: large, with a location quotient in the upper tenth and of at least 1; rules `us.strong10.<level>`.
CREATE MACRO us_2017_strong10(lq, large, bounds) AS coalesce(large, false) AND lq >= bounds.lq[4] AND lq >= 1;

-- eu10, the study of ten new member states, 2006 (docs/sources/eu.md): a star for more than 10,000 jobs.
CREATE MACRO eu10_size(employment) AS employment > 10000;

-- eu10: a star for at least twice the expected employment.
CREATE MACRO eu10_specialisation(quotient) AS quotient >= 2;

-- eu10: a star for more than 3 % of the region's employment.
CREATE MACRO eu10_focus(region_share) AS region_share > 0.03;

-- eu10: 0 to 3 stars; what is null gives none.
CREATE MACRO eu10_stars(employment, quotient, region_share) AS
    coalesce(eu10_size(employment)::INTEGER, 0)
    + coalesce(eu10_specialisation(quotient)::INTEGER, 0)
    + coalesce(eu10_focus(region_share)::INTEGER, 0);

-- Rule `eu.eu10_stars`: a cluster has a star. Null: what is known gives none, and not all is known.
CREATE MACRO eu10_is_cluster(employment, quotient, region_share) AS
    eu10_size(employment) OR eu10_specialisation(quotient) OR eu10_focus(region_share);

-- Rule `eu.stars_published`: the European Cluster Observatory calls a cluster what has at least one of its three stars (docs/sources/eu.md).
CREATE MACRO eu_stars_published(stars) AS stars >= 1;

-- Rule `ca.lq`: more employment than the national average would give: the plain reading of a location quotient. No rule of the
-- Institute for Competitiveness & Prosperity was seen.
CREATE MACRO ca_lq(lq) AS lq > 1;

-- Spread: localised where one part of the region holds at least half of the employment. The bound is ours.
CREATE MACRO structure_spread(top_share) AS
    CASE WHEN top_share >= 0.5 THEN 'localised' WHEN top_share < 0.5 THEN 'dispersed' END;

-- Density: dense with at least as many establishments as the median of its peers. The bound is ours.
CREATE MACRO structure_density(to_median) AS CASE WHEN to_median >= 1 THEN 'dense' WHEN to_median < 1 THEN 'sparse' END;

-- Breadth: broad with at least two related categories that the same rule accepts in the region. The bound is ours.
CREATE MACRO structure_breadth(related) AS CASE WHEN related >= 2 THEN 'broad' WHEN related < 2 THEN 'narrow' END;

-- Depth of a cell: deep with at least three quarters of the subclusters of its category. The bound is ours.
CREATE MACRO structure_depth(present_share) AS
    CASE WHEN present_share >= 0.75 THEN 'deep' WHEN present_share < 0.75 THEN 'shallow' END;

-- Depth of a cluster that was surveyed or documented: deep with at least three organisations that support it. The bound is ours.
CREATE MACRO structure_support(organisations) AS
    CASE WHEN organisations >= 3 THEN 'deep' WHEN organisations < 3 THEN 'shallow' END;

-- Performance, from growth over the median growth of the peers: 5 % more or less tells. Latent, or "wannabe", is what no rule accepts yet, with more than the expected employment and more than the peers' growth. The bounds are ours.
CREATE MACRO structure_performance(to_median_growth, accepted, above_expected) AS
    CASE
        WHEN to_median_growth >= 1.05 AND accepted THEN 'overachiever'
        WHEN to_median_growth <= 0.95 AND accepted THEN 'underachiever'
        WHEN to_median_growth >= 1.05 AND NOT accepted AND above_expected THEN 'latent'
    END;

-- `FROM as_of(TIMESTAMP '2026-01-31')`: observations as they were valid at a time (UTC; a time with a zone is turned into it), out of open and closed rows; a table macro. What is valid begins with the age of the evidence that opened a row and ends with the age of that which closed it. `valid_to` is null while a row holds. A row whose evidence has no age is not in it. Where the file is attached under a name of its own, `USE` it first.
CREATE MACRO as_of(moment) AS TABLE
SELECT
    cluster_id,
    indicator,
    unit_kind,
    time_period,
    method,
    feed_id,
    obs_value,
    unit_measure,
    obs_status,
    value_text,
    qualifier,
    document_id,
    locator,
    harvest_id,
    valid_from,
    valid_to,
    'As far as this release knows: a harvest that came later may have read older evidence.' AS caveat
FROM (
    -- A cast of a time with a zone would give the session's wall clock.
    SELECT
        CASE typeof(moment) WHEN 'TIMESTAMP WITH TIME ZONE' THEN make_timestamp(epoch_us(moment::TIMESTAMPTZ))
            ELSE moment::TIMESTAMP END AS instant
)
JOIN (
    SELECT observations.*, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
    FROM observations
    JOIN harvests USING (harvest_id)
    UNION ALL BY NAME
    SELECT * EXCLUDE (closed_by) FROM observations_closed
) ON valid_from <= instant AND (valid_to IS NULL OR valid_to > instant);

-- Each claim that counts clusters beside what the release holds in its scope: surveyed clusters, documented ones, and, by
-- rule, feed, level of regions and set of categories that do not overlap, cells that a rule accepts in its newest period. Claims that contradict each other stand side by side; nothing is
-- added or averaged. `found` is null where the release cannot tell which places the scope has.
CREATE VIEW claimed_vs_found AS
WITH claimed AS (
    SELECT * FROM claims WHERE unit = 'clusters' AND value IS NOT NULL
),
-- The European Union as it was when the claims were made: from 2013 to 2020.
european AS (
    SELECT unnest(string_split(
        'AT BE BG CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK', ' '
    )) AS country_code
),
placed AS (
    SELECT
        clusters.cluster_id,
        clusters.kind,
        clusters.feed_id AS found_by,
        region_level(clusters.region_id) AS level,
        category_set(clusters.category_id, category.parent_category_id) AS category_set,
        unnest(list_distinct([
            'world',
            'country:' || clusters.country_code,
            CASE WHEN clusters.country_code IN (FROM european) THEN 'region:EU' END,
            clusters.region_id,
            region.iso_3166_2,
            parent.iso_3166_2
        ])) AS scope
    FROM clusters
    LEFT JOIN regions AS region ON region.region_id = clusters.region_id
    LEFT JOIN regions AS parent ON parent.region_id = region.parent_region_id
    LEFT JOIN categories AS category ON category.category_id = clusters.category_id
),
accepted AS (
    SELECT cluster_id, rule_id, time_period
    FROM cluster_identification
    WHERE is_cluster
    QUALIFY time_period = max(time_period) OVER (PARTITION BY feed_id, rule_id)
),
found AS (
    SELECT scope, kind, NULL::VARCHAR AS rule_id, NULL::VARCHAR AS time_period, NULL::VARCHAR AS found_by,
        NULL::VARCHAR AS level, NULL::VARCHAR AS category_set, count(*) AS found
    FROM placed
    WHERE kind <> 'cell' AND scope IN (SELECT scope FROM claimed)
    GROUP BY scope, kind
    UNION ALL
    SELECT placed.scope, placed.kind, accepted.rule_id, accepted.time_period, placed.found_by, placed.level,
        placed.category_set, count(*)
    FROM placed
    JOIN accepted USING (cluster_id)
    WHERE placed.kind = 'cell' AND placed.scope IN (SELECT scope FROM claimed)
    GROUP BY ALL
),
compared AS (
    SELECT claimed.claim_id, kinds.kind, found.* EXCLUDE (scope, kind, found), coalesce(found.found, 0) AS found
    FROM claimed
    CROSS JOIN (VALUES ('surveyed'), ('documented')) AS kinds(kind)
    LEFT JOIN found ON found.scope = claimed.scope AND found.kind = kinds.kind
    UNION ALL
    SELECT claimed.claim_id, found.kind, found.* EXCLUDE (scope, kind, found), found.found
    FROM claimed
    JOIN found ON found.scope = claimed.scope AND found.kind = 'cell'
)
SELECT
    claimed.claim_id,
    claimed.subject,
    claimed.scope,
    claimed.as_of,
    claimed.stated_by,
    claimed.qualifier,
    claimed.value AS claimed,
    compared.kind,
    compared.rule_id,
    compared.time_period,
    compared.found_by,
    compared.level,
    compared.category_set,
    CASE WHEN known.scope IS NOT NULL THEN compared.found END AS found,
    claimed.contradicts,
    claimed.citation,
    claimed.feed_id,
    CASE compared.kind
        WHEN 'surveyed' THEN 'clusters that a source lists, counted in the scope of the claim'
        WHEN 'documented' THEN 'clusters that a text names, counted in the scope of the claim'
        ELSE 'cells that the rule accepts in its newest period, counted in the scope of the claim'
    END AS method,
    concat_ws(
        ' ',
        CASE
            WHEN known.scope IS NULL THEN 'The release does not say which places this scope has.'
            WHEN compared.kind = 'cell' THEN 'A cell is a place × activity, and the same place may stand in cells of several levels and sets of categories: no two rows are to be added.'
            ELSE 'The release holds only what its feeds list: a small number says nothing about the world.'
        END,
        'The claim counts "' || claimed.subject || '" in its own sense'
            || coalesce(', of the programme ' || claimed.programme, '') || '.',
        'Other claims say otherwise: ' || array_to_string(claimed.contradicts, ', ') || '.'
    ) AS caveat
FROM claimed
JOIN compared USING (claim_id)
LEFT JOIN (
    SELECT DISTINCT scope
    FROM claimed
    WHERE scope IN ('world', 'region:EU') OR starts_with(scope, 'country:')
        OR scope IN (SELECT region_id FROM regions) OR scope IN (SELECT iso_3166_2 FROM regions WHERE iso_3166_2 IS NOT NULL)
) AS known ON known.scope = claimed.scope
ORDER BY claimed.scope, claimed.value DESC, claimed.claim_id, compared.kind, compared.rule_id, compared.found_by,
    compared.level, compared.category_set;

-- Every state of a cluster that ever held, with the time in which it was valid; valid_to is null while it holds. What is derived, such as themes and product class, is that of the release for open rows, and is not kept for closed ones.
CREATE VIEW cluster_history AS
SELECT clusters.*, NULL::VARCHAR AS closed_by, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
FROM clusters
LEFT JOIN harvests USING (harvest_id)
UNION ALL BY NAME
FROM clusters_closed;

-- Strength of cells by one method, us_2017 (Delgado, Porter, Stern 2016), in every feed that has the inputs, so that strong clusters of several countries stand side by side. Peers are the regions of the same level in the same feed and period, with employment, and establishments, of the same method and unit; they decide what is strong, so two feeds are comparable in this sense only. The location quotient has traded employment as its base, or is the published one where the feed has less than nine tenths of the categories of such a base. `strong_published` is the flag of the source, where it has one; the caveat says what was not applied.
CREATE VIEW cluster_strength AS
WITH cell AS (
    SELECT
        clusters.cluster_id,
        clusters.feed_id,
        clusters.name,
        clusters.region_id,
        region_level(clusters.region_id) AS level,
        clusters.country_code,
        clusters.category_id,
        clusters.hub_category_id,
        categories.scheme,
        categories.parent_category_id,
        category_set(clusters.category_id, categories.parent_category_id) AS category_set,
        coalesce(categories.traded, false) AS traded,
        coalesce(categories.traded AND categories.parent_category_id IS NULL, false) AS in_base
    FROM clusters
    LEFT JOIN categories USING (category_id)
    WHERE clusters.kind = 'cell' AND clusters.category_id IS NOT NULL AND clusters.region_id IS NOT NULL
        AND categories.traded IS NOT false
),
-- Feeds of one country: its cell is the reference, and no peer of anything.
national AS (
    SELECT feed_id, 'country:' || min(country_code) AS region_id
    FROM cell GROUP BY feed_id HAVING count(DISTINCT country_code) = 1
),
stated AS (
    SELECT cluster_id, time_period, indicator, unit_kind, method, unit_measure, obs_value, obs_status
    FROM observations
    WHERE indicator IN ('employment', 'establishments', 'location_quotient', 'specialisation', 'category_share', 'strong')
        AND unit_kind IN ('_Z', 'firms') AND obs_value IS NOT NULL
),
measured AS (
    SELECT
        cell.*,
        employment.time_period,
        employment.method AS employment_method,
        coalesce(employment.unit_measure, '') AS employment_unit,
        employment.obs_value AS employment,
        employment.obs_status,
        other.* EXCLUDE (cluster_id, time_period),
        cell.region_id = national.region_id AS is_reference
    FROM cell
    JOIN stated AS employment ON employment.cluster_id = cell.cluster_id AND employment.indicator = 'employment'
    LEFT JOIN (
        SELECT
            cluster_id,
            time_period,
            arg_min(obs_value, indicator || method) FILTER (indicator IN ('location_quotient', 'specialisation'))
                AS published_quotient,
            arg_min(method, indicator || method) FILTER (indicator IN ('location_quotient', 'specialisation'))
                AS quotient_method,
            arg_min(obs_value, method) FILTER (indicator = 'category_share') AS category_share,
            arg_min(obs_value, method) FILTER (indicator = 'strong') = 1 AS strong_published
        FROM stated
        GROUP BY ALL
    ) AS other ON other.cluster_id = employment.cluster_id AND other.time_period = employment.time_period
    LEFT JOIN national ON national.feed_id = cell.feed_id
),
-- Employment of the category in the reference area: its own cell, else what the feed's shares of it imply, else all peers.
reference AS (
    SELECT
        part.feed_id,
        part.level,
        part.category_id,
        part.time_period,
        part.employment_method,
        part.employment_unit,
        part.scheme,
        bool_and(part.in_base) AS in_base,
        coalesce(
            any_value(whole.employment),
            arg_max(part.employment / nullif(part.category_share, 0), part.employment)
                FILTER (part.category_share > 0 AND part.employment > 0)
        ) AS of_country,
        sum(part.employment::DECIMAL(18, 3))::DOUBLE AS of_peers
    FROM measured AS part
    LEFT JOIN measured AS whole
        ON whole.is_reference AND whole.feed_id = part.feed_id AND whole.category_id = part.category_id
        AND whole.time_period = part.time_period AND whole.employment_method = part.employment_method
        AND whole.employment_unit = part.employment_unit
    WHERE part.traded AND part.is_reference IS NOT true
    GROUP BY ALL
),
base AS (
    SELECT
        feed_id,
        level,
        scheme,
        time_period,
        employment_method,
        employment_unit,
        bool_and(of_country IS NOT NULL) AS has_country,
        sum(of_country::DECIMAL(18, 3))::DOUBLE AS of_country,
        sum(of_peers::DECIMAL(18, 3))::DOUBLE AS of_peers,
        count(*) AS categories,
        any_value(known.categories) AS known_categories
    FROM reference
    JOIN (
        SELECT scheme, count(*) AS categories
        FROM categories WHERE traded AND parent_category_id IS NULL GROUP BY scheme
    ) AS known USING (scheme)
    WHERE in_base
    GROUP BY ALL
),
region AS (
    SELECT
        feed_id,
        region_id,
        scheme,
        time_period,
        employment_method,
        employment_unit,
        sum(employment::DECIMAL(18, 3))::DOUBLE AS employment
    FROM measured WHERE in_base GROUP BY ALL
),
compared AS (
    SELECT
        measured.*,
        base.has_country,
        base.categories,
        base.known_categories,
        (measured.employment / nullif(region.employment, 0)) / nullif(
            CASE
                WHEN base.has_country THEN reference.of_country / nullif(base.of_country, 0)
                ELSE reference.of_peers / nullif(base.of_peers, 0)
            END,
            0
        ) AS traded_quotient,
        -- A base of a few categories is none, where quotients are published; one peer group never has both.
        measured.traded AND base.feed_id IS NOT NULL AND (
            base.categories >= 0.9 * base.known_categories
            OR count(measured.published_quotient) OVER (
                PARTITION BY measured.feed_id, level, measured.category_id, time_period, employment_method,
                    employment_unit
            ) = 0
        ) AS uses_base,
        CASE WHEN uses_base THEN traded_quotient ELSE published_quotient END AS location_quotient
    FROM measured
    LEFT JOIN region USING (feed_id, region_id, scheme, time_period, employment_method, employment_unit)
    LEFT JOIN reference USING (feed_id, level, category_id, time_period, employment_method, employment_unit)
    LEFT JOIN base USING (feed_id, level, scheme, time_period, employment_method, employment_unit)
    WHERE measured.is_reference IS NOT true
),
-- Establishments by each method that the feed has for the level and period.
counted AS (
    SELECT cluster_id, time_period, method AS establishments_method, arg_min(obs_value, unit_kind) AS establishments
    FROM stated
    WHERE indicator = 'establishments'
    GROUP BY ALL
),
counting AS (
    SELECT DISTINCT compared.feed_id, compared.level, counted.time_period, counted.establishments_method
    FROM compared JOIN counted USING (cluster_id, time_period)
),
peer AS (
    SELECT
        compared.*,
        coalesce(counting.establishments_method, '') AS establishments_method,
        counted.establishments
    FROM compared
    LEFT JOIN counting USING (feed_id, level, time_period)
    LEFT JOIN counted
        ON counted.cluster_id = compared.cluster_id AND counted.time_period = compared.time_period
        AND counted.establishments_method = counting.establishments_method
),
bounded AS (
    SELECT
        compared.*,
        peer.bounds,
        peer.peers,
        peer.with_establishments,
        us_2017_large(compared.employment, compared.establishments, peer.bounds) AS large
    FROM peer AS compared
    JOIN (
        SELECT
            feed_id,
            level,
            category_id,
            time_period,
            employment_method,
            employment_unit,
            establishments_method,
            us_2017_bounds(location_quotient, employment, establishments) AS bounds,
            count(*) FILTER (employment > 0) AS peers,
            count(establishments) FILTER (employment > 0) AS with_establishments
        FROM peer
        GROUP BY ALL
    ) AS peer USING (feed_id, level, category_id, time_period, employment_method, employment_unit, establishments_method)
)
SELECT
    cluster_id,
    name,
    country_code,
    region_id,
    level,
    category_id,
    category_set,
    hub_category_id,
    time_period,
    'us_2017' AS method,
    employment,
    establishments,
    location_quotient,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_strong(location_quotient, large, bounds) END
        AS strong,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_strong10(location_quotient, large, bounds) END
        AS strong10,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_significant(location_quotient, large, bounds) END
        AS significant,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_qualifying(location_quotient, large, bounds) END
        AS qualifying,
    peers,
    employment_method,
    nullif(employment_unit, '') AS employment_unit,
    nullif(establishments_method, '') AS establishments_method,
    strong_published,
    feed_id,
    nullif(
        concat_ws(
            ' ',
            CASE
                WHEN location_quotient IS NULL AND employment > 0
                    THEN 'No location quotient: the feed has neither a traded base nor a published one for this cell.'
                WHEN NOT uses_base AND employment > 0
                    THEN 'Location quotient as published (' || quotient_method || '): its base is not traded employment.'
                WHEN uses_base AND NOT has_country
                    THEN 'Reference: the sum of the regions of this level, for the feed has no figure of the whole area.'
            END,
            CASE WHEN NOT traded THEN 'Whether the category is traded is not known; the method is for such.' END,
            CASE
                WHEN category_set = 'eocic, emerging'
                    THEN 'Emerging industries overlap the other categories: the two are never to be added.'
                WHEN parent_category_id IS NOT NULL
                    THEN 'The category is a part of ' || parent_category_id || ', which may stand here too.'
            END,
            CASE
                WHEN uses_base AND categories < known_categories
                    THEN 'The base holds ' || categories || ' of ' || known_categories || ' traded categories.'
            END,
            CASE
                WHEN with_establishments = 0 AND peers > 0
                    THEN 'Establishments are not stated: their condition was not applied.'
                WHEN establishments IS NULL
                    THEN 'Establishments of this cell are not stated: their condition was not applied to it.'
            END,
            CASE obs_status
                WHEN 'E' THEN 'Employment is estimated or imputed.'
                WHEN 'P' THEN 'Employment is provisional.'
            END,
            CASE WHEN peers < 10 THEN 'Only ' || peers || ' regions have employment in this category.' END
        ),
        ''
    ) AS caveat
FROM bounded;

-- The typology of the founding paper, measured: one row per cluster, dimension (spread, density, breadth, depth, performance) and method of the figures that it rests on, each with a value, a class with its rule, or the reason why there is none. Of each feed, method and level of regions the newest period is read. A cluster is what a rule accepts in its newest period; beside them stand latent cells, which no rule accepts yet. Peers are cells of one feed, category, level, period, method and unit, at least five; `measure` says what the value is. Values of two dimensions, methods or levels are not comparable.
CREATE VIEW cluster_structure AS
WITH placed AS (
    SELECT
        cluster_id,
        feed_id,
        kind,
        country_code,
        region_id,
        region_level(region_id) AS level,
        -- Cells are compared in the classes of their feed; what was surveyed has none of its own as a rule.
        CASE WHEN kind = 'cell' THEN category_id ELSE coalesce(hub_category_id, category_id) END AS category_id,
        coalesce(hub_category_id, CASE WHEN starts_with(category_id, 'bcd:') THEN category_id END) AS hub_category_id
    FROM clusters
),
answered AS (
    SELECT placed.*, answer.rule_id, answer.is_cluster
    FROM cluster_identification AS answer
    JOIN placed USING (cluster_id)
    WHERE answer.is_cluster IS NOT NULL
    QUALIFY answer.time_period
        = max(answer.time_period) OVER (PARTITION BY answer.feed_id, answer.rule_id, placed.country_code)
),
measured AS (
    SELECT
        placed.*,
        fact.indicator,
        fact.unit_kind,
        fact.method,
        fact.unit_measure,
        fact.time_period,
        fact.obs_value,
        fact.obs_status,
        fact.time_period = max(fact.time_period) OVER (
            PARTITION BY placed.feed_id, placed.level, placed.kind, fact.indicator, fact.unit_kind, fact.method,
                fact.unit_measure, CASE WHEN placed.kind = 'cell' THEN NULL ELSE placed.cluster_id END
        ) AS is_newest
    FROM observations AS fact
    JOIN placed USING (cluster_id)
    WHERE fact.obs_value IS NOT NULL
        AND (fact.indicator = 'establishments' OR (fact.indicator = 'employment' AND fact.unit_kind = '_Z'))
),
employment AS (FROM measured WHERE indicator = 'employment' AND is_newest),


-- Growth from the first to the newest period of one method, beside the median growth of the peers.
series AS (
    SELECT feed_id, level, method, unit_measure, min(time_period) AS first_period, max(time_period) AS last_period
    FROM measured
    WHERE indicator = 'employment' AND kind = 'cell'
    GROUP BY ALL
),
grown AS (
    SELECT
        measured.cluster_id,
        measured.feed_id,
        measured.level,
        measured.category_id,
        measured.method,
        measured.unit_measure,
        first_period,
        last_period,
        bool_or(obs_status = 'B' AND time_period > first_period) AS is_broken,
        max(obs_value) FILTER (time_period = last_period)
            / nullif(max(obs_value) FILTER (time_period = first_period), 0) AS growth
    FROM measured
    JOIN series USING (feed_id, level, method, unit_measure)
    WHERE indicator = 'employment' AND kind = 'cell'
    GROUP BY ALL
),
pace AS (
    SELECT
        *,
        median(CASE WHEN is_broken THEN NULL ELSE growth END) OVER peers AS peer_growth,
        count(CASE WHEN is_broken THEN NULL ELSE growth END) OVER peers AS peers,
        CASE WHEN first_period < last_period AND NOT is_broken AND peers >= 5 THEN growth / nullif(peer_growth, 0) END
            AS to_median
    FROM grown
    WINDOW peers AS (PARTITION BY feed_id, level, category_id, method, unit_measure)
),
-- More than the expected employment, by a quotient that the feed states.
quotient AS (
    SELECT DISTINCT cluster_id, true AS is_above
    FROM (
        SELECT cluster_id, obs_value, time_period = max(time_period) OVER (PARTITION BY cluster_id, indicator, method)
            AS is_newest
        FROM observations
        WHERE indicator IN ('location_quotient', 'specialisation') AND unit_kind = '_Z' AND obs_value IS NOT NULL
    )
    WHERE is_newest AND obs_value > 1
),
target AS (
    SELECT placed.*, answers.accepted, coalesce(quotient.is_above, false) AS is_above
    FROM placed
    JOIN (SELECT cluster_id, bool_or(is_cluster) AS accepted FROM answered GROUP BY cluster_id) AS answers
        USING (cluster_id)
    LEFT JOIN quotient USING (cluster_id)
    WHERE answers.accepted OR (
        placed.kind = 'cell' AND cluster_id IN (
            SELECT cluster_id FROM pace JOIN quotient USING (cluster_id)
            WHERE structure_performance(to_median, false, is_above) = 'latent'
        )
    )
),

-- Parts of a region: those that name it as their parent, or that it names as members.
part AS (
    SELECT parent_region_id AS region_id, region_id AS part_id FROM regions WHERE parent_region_id IS NOT NULL
    UNION
    SELECT region_id, unnest(member_region_ids) FROM regions
),
-- Made first, for DuckDB 1.5 would pair all cells of a category, and look at the regions last.
whole AS MATERIALIZED (
    SELECT employment.*, part.part_id, region_level(part.part_id) AS part_level
    FROM employment
    JOIN target USING (cluster_id)
    JOIN part ON part.region_id = employment.region_id
    WHERE employment.kind = 'cell'
),
spread AS (
    SELECT
        whole.cluster_id,
        whole.method,
        whole.unit_measure,
        whole.part_level,
        any_value(known.parts) AS parts,
        max(inner_cell.obs_value) / nullif(sum(inner_cell.obs_value::DECIMAL(18, 3))::DOUBLE, 0) AS top_share,
        sum(inner_cell.obs_value::DECIMAL(18, 3))::DOUBLE / nullif(any_value(whole.obs_value), 0) AS covered
    FROM whole
    JOIN measured AS inner_cell
        ON inner_cell.region_id = whole.part_id AND inner_cell.feed_id = whole.feed_id
        AND inner_cell.category_id = whole.category_id AND inner_cell.kind = 'cell'
        AND inner_cell.indicator = 'employment' AND inner_cell.method = whole.method
        AND inner_cell.unit_measure = whole.unit_measure AND inner_cell.time_period = whole.time_period
    JOIN (SELECT region_id, region_level(part_id) AS level, count(*) AS parts FROM part GROUP BY ALL) AS known
        ON known.region_id = whole.region_id AND known.level = whole.part_level
    GROUP BY whole.cluster_id, whole.method, whole.unit_measure, whole.part_level
    -- Of several levels of parts the one that holds most nearly all of the region.
    QUALIFY row_number() OVER (
        PARTITION BY whole.cluster_id, whole.method, whole.unit_measure ORDER BY abs(covered - 1), whole.part_level
    ) = 1
),

establishments AS (
    SELECT
        *,
        median(nullif(obs_value, 0)) OVER peers AS peer_median,
        count(nullif(obs_value, 0)) OVER peers AS peers
    FROM measured
    WHERE indicator = 'establishments' AND is_newest
    WINDOW peers AS (PARTITION BY feed_id, kind, level, category_id, unit_kind, method, unit_measure, time_period)
),

-- The stricter form of a rule would only tell less of what is around, and a text names what it is about.
around AS (FROM answered WHERE NOT starts_with(rule_id, 'us.strong10.') AND rule_id <> 'paper.documented'),
related AS (
    SELECT DISTINCT from_category_id AS hub_category_id, to_category_id AS related_id
    FROM category_mappings
    WHERE relation = 'relatedMatch' AND starts_with(from_category_id, 'bcd:') AND starts_with(to_category_id, 'bcd:')
        AND from_category_id <> to_category_id
),
breadth AS (
    SELECT
        self.cluster_id,
        self.rule_id,
        count(DISTINCT related.related_id) AS known,
        count(DISTINCT other.hub_category_id) AS present
    FROM around AS self
    JOIN target USING (cluster_id)
    LEFT JOIN related ON related.hub_category_id = self.hub_category_id
    LEFT JOIN (
        SELECT DISTINCT region_id, feed_id, rule_id, hub_category_id FROM around WHERE is_cluster
    ) AS other
        ON other.region_id = self.region_id AND other.feed_id = self.feed_id AND other.rule_id = self.rule_id
        AND other.hub_category_id = related.related_id
    GROUP BY self.cluster_id, self.rule_id
),

subcluster AS (
    SELECT parent_category_id AS category_id, category_id AS subcluster_id
    FROM categories WHERE parent_category_id IS NOT NULL
),
-- Feeds that state subclusters at all, by method, period and level.
with_subclusters AS (
    SELECT DISTINCT employment.feed_id, employment.level, employment.method, employment.time_period
    FROM employment JOIN subcluster ON subcluster.subcluster_id = employment.category_id
),
depth AS (
    SELECT
        whole.cluster_id,
        whole.method,
        whole.unit_measure,
        count(DISTINCT subcluster.subcluster_id) AS known,
        count(DISTINCT inner_cell.category_id) AS present
    FROM employment AS whole
    JOIN with_subclusters USING (feed_id, level, method, time_period)
    JOIN target USING (cluster_id)
    JOIN subcluster ON subcluster.category_id = whole.category_id
    LEFT JOIN employment AS inner_cell
        ON inner_cell.category_id = subcluster.subcluster_id AND inner_cell.region_id = whole.region_id
        AND inner_cell.feed_id = whole.feed_id AND inner_cell.method = whole.method
        AND inner_cell.unit_measure = whole.unit_measure AND inner_cell.time_period = whole.time_period
        AND inner_cell.obs_value > 0
    GROUP BY whole.cluster_id, whole.method, whole.unit_measure
),
support AS (
    SELECT to_id AS cluster_id, count(DISTINCT from_id) AS organisations
    FROM links
    JOIN organisations ON organisation_id = from_id
    WHERE relation IN ('serves', 'supports', 'member_of') AND coalesce(starts_with(decision, 'accepted'), true)
    GROUP BY to_id
),

told AS (
    SELECT
        target.cluster_id,
        'spread' AS dimension,
        CASE WHEN covered BETWEEN 0.8 AND 1.2 AND parts > 1 THEN top_share END AS value,
        structure_spread(value) AS class,
        'structure.spread.top_share' AS rule_id,
        'share of the employment of the parts of the region that its greatest part has' AS measure,
        employment.method,
        '_Z' AS unit_kind,
        employment.unit_measure,
        employment.time_period,
        parts AS n,
        CASE
            WHEN target.kind <> 'cell' THEN 'no employment by parts of its region is known: it was surveyed or documented'
            WHEN employment.cluster_id IS NULL THEN 'no employment in the newest period'
            WHEN spread.cluster_id IS NULL THEN 'the feed has no figures of parts of the region'
            WHEN parts = 1 THEN 'the region has one part only'
            WHEN covered IS NULL THEN 'the cell has no employment'
            WHEN value IS NULL
                THEN 'the parts hold ' || round(100 * covered)::BIGINT || ' % of the employment of the region, not 80 to 120 %'
        END AS reason
    FROM target
    LEFT JOIN employment ON employment.cluster_id = target.cluster_id AND employment.kind = 'cell'
    LEFT JOIN spread
        ON spread.cluster_id = employment.cluster_id AND spread.method = employment.method
        AND spread.unit_measure IS NOT DISTINCT FROM employment.unit_measure
    UNION ALL
    SELECT
        target.cluster_id,
        'density',
        CASE WHEN peers >= 5 THEN obs_value / peer_median END AS value,
        structure_density(value),
        'structure.density.median',
        'establishments over the median of the regions of the level that have some in the category',
        establishments.method,
        establishments.unit_kind,
        establishments.unit_measure,
        establishments.time_period,
        peers,
        CASE
            WHEN establishments.cluster_id IS NULL THEN 'establishments are not stated in the newest period'
            WHEN establishments.category_id IS NULL OR establishments.level IS NULL
                THEN 'its category or its region is not known'
            WHEN peers < 5 THEN 'only ' || peers || ' of the level have establishments in the category'
        END
    FROM target
    LEFT JOIN establishments ON establishments.cluster_id = target.cluster_id
    UNION ALL
    SELECT
        target.cluster_id,
        'breadth',
        CASE WHEN known > 0 AND target.region_id IS NOT NULL THEN present END::DOUBLE AS value,
        structure_breadth(value),
        'structure.breadth.related',
        'related categories that the rule accepts in the region',
        breadth.rule_id,
        '_Z',
        'categories',
        NULL,
        known,
        CASE
            WHEN breadth.cluster_id IS NULL THEN 'no rule that says what is around answers for it'
            WHEN target.hub_category_id IS NULL THEN 'its category in the hub is not known'
            WHEN target.region_id IS NULL THEN 'its region is not known'
            WHEN known = 0 THEN 'no feed of this release says which categories are related to ' || target.hub_category_id
        END
    FROM target
    LEFT JOIN breadth ON breadth.cluster_id = target.cluster_id
    UNION ALL
    SELECT
        target.cluster_id,
        'depth',
        depth.present / depth.known AS value,
        structure_depth(value),
        'structure.depth.subclusters',
        'share of the subclusters of the category with employment in the region',
        employment.method,
        '_Z',
        employment.unit_measure,
        employment.time_period,
        depth.known,
        CASE
            WHEN employment.cluster_id IS NULL THEN 'no employment in the newest period'
            WHEN depth.cluster_id IS NULL THEN 'the feed has no figures of subclusters of the category'
        END
    FROM target
    LEFT JOIN employment ON employment.cluster_id = target.cluster_id
    LEFT JOIN depth
        ON depth.cluster_id = employment.cluster_id AND depth.method = employment.method
        AND depth.unit_measure IS NOT DISTINCT FROM employment.unit_measure
    WHERE target.kind = 'cell'
    UNION ALL
    SELECT
        target.cluster_id,
        'depth',
        support.organisations::DOUBLE AS value,
        structure_support(value),
        'structure.depth.support',
        'organisations that are linked to it as serving, supporting or being a member of it',
        'links',
        '_Z',
        'organisations',
        NULL,
        NULL,
        CASE
            WHEN support.cluster_id IS NULL THEN 'no organisation is linked to it, which need not mean that there is none'
        END
    FROM target
    LEFT JOIN support ON support.cluster_id = target.cluster_id
    WHERE target.kind <> 'cell'
    UNION ALL
    SELECT
        target.cluster_id,
        'performance',
        to_median AS value,
        structure_performance(value, target.accepted, target.is_above),
        'structure.performance.growth',
        concat_ws(', ', 'growth of employment over the median growth of the peers', first_period || ' to ' || last_period),
        pace.method,
        '_Z',
        pace.unit_measure,
        last_period,
        peers,
        CASE
            WHEN pace.cluster_id IS NULL THEN 'no employment is stated'
            WHEN first_period = last_period THEN 'employment of one period only: ' || last_period
            WHEN is_broken THEN 'the series breaks between ' || first_period || ' and ' || last_period
            WHEN growth IS NULL THEN 'no employment in both ' || first_period || ' and ' || last_period
            WHEN peers < 5 THEN 'only ' || peers || ' of the level have employment in both periods'
            WHEN to_median IS NULL THEN 'the peers have no growth to compare with'
            WHEN structure_performance(to_median, target.accepted, target.is_above) IS NULL THEN 'it grows as its peers do'
        END
    FROM target
    LEFT JOIN pace ON pace.cluster_id = target.cluster_id
)
SELECT
    told.cluster_id,
    target.feed_id,
    target.kind,
    target.country_code,
    target.region_id,
    target.level,
    target.category_id,
    target.hub_category_id,
    target.accepted,
    told.* EXCLUDE (cluster_id),
    concat_ws(
        ' ',
        'The bounds of the class are ours; the founding paper names classes and gives no figures.',
        CASE WHEN NOT target.accepted THEN 'A latent cell: no rule accepts it.' END,
        CASE WHEN told.dimension = 'spread' THEN 'Parts may be suppressed or estimated.' END,
        CASE WHEN told.dimension = 'depth' AND target.kind <> 'cell' THEN 'Only organisations that a feed lists are counted.' END,
        CASE WHEN told.dimension = 'performance' THEN 'Growth over few years says little.' END
    ) AS caveat
FROM told
JOIN target USING (cluster_id);

-- The typology of the founding paper, one row per cluster that a rule accepts in its newest period, and per latent cell: its product class and themes, and its classes of spread, density, breadth, depth and performance out of `cluster_structure`. A class on which two methods disagree is null; `missing` says why a class is not there. The product class is stated by the source, or follows from words or category (`product_class_basis`).
CREATE VIEW cluster_typology AS
WITH structure AS (
    SELECT
        cluster_id,
        dimension,
        any_value(accepted) AS accepted,
        CASE count(DISTINCT class) WHEN 1 THEN any_value(class) END AS class,
        CASE count(DISTINCT class)
            WHEN 0 THEN string_agg(DISTINCT reason, '; ' ORDER BY reason)
            WHEN 1 THEN NULL
            ELSE 'methods disagree'
        END AS reason,
        list(DISTINCT method ORDER BY method) FILTER (class IS NOT NULL) AS methods
    FROM cluster_structure
    GROUP BY cluster_id, dimension
),
typed AS (
    SELECT
        cluster_id,
        any_value(accepted) AS accepted,
        any_value(class) FILTER (dimension = 'spread') AS spread,
        any_value(class) FILTER (dimension = 'density') AS density,
        any_value(class) FILTER (dimension = 'breadth') AS breadth,
        any_value(class) FILTER (dimension = 'depth') AS depth,
        any_value(class) FILTER (dimension = 'performance') AS performance,
        string_agg(dimension || ': ' || reason, '. ' ORDER BY dimension) AS missing,
        list_sort(list_distinct(flatten(list(methods) FILTER (methods IS NOT NULL)))) AS methods
    FROM structure
    GROUP BY cluster_id
)
SELECT
    cluster_id,
    clusters.feed_id,
    clusters.name,
    clusters.kind,
    clusters.country_code,
    clusters.region_id,
    clusters.hub_category_id,
    clusters.product,
    clusters.product_class,
    clusters.product_class_basis,
    clusters.themes,
    typed.accepted,
    typed.spread,
    typed.density,
    typed.breadth,
    typed.depth,
    typed.performance,
    typed.missing,
    'cluster_structure: ' || array_to_string(typed.methods, ', ') AS method,
    concat_ws(
        ' ',
        CASE WHEN clusters.product_class_basis IS NOT NULL THEN 'The product class is derived, not stated.' END,
        CASE WHEN NOT typed.accepted THEN 'A latent cell: no rule accepts it.' END,
        'Classes rest on bounds of ours.'
    ) AS caveat
FROM typed
JOIN clusters USING (cluster_id);

-- The clusters of today: one row per cell that a rule accepts in its newest period, and per cluster that was surveyed or documented, with the names of its region and category, the rules that accept it, and the real-world cluster that it is a member of. The newest period is that of a feed, rule and country. Cells of several levels of regions, and of several sets of categories, stand side by side and overlap each other: count within one feed, `level` and `category_set`, or count `global_clusters`.
CREATE VIEW clusters_current AS
WITH accepted AS (
    SELECT cluster_id, list(rule_id ORDER BY rule_id) AS rule_ids, max(time_period) AS time_period
    FROM (
        SELECT answer.cluster_id, answer.rule_id, answer.time_period, answer.is_cluster
        FROM cluster_identification AS answer
        JOIN clusters USING (cluster_id)
        WHERE answer.is_cluster IS NOT NULL
        QUALIFY answer.time_period
            = max(answer.time_period) OVER (PARTITION BY answer.feed_id, answer.rule_id, clusters.country_code)
    )
    WHERE is_cluster
    GROUP BY cluster_id
),
united AS (
    SELECT unnest(members) AS cluster_id, global_cluster_id, in_total FROM global_clusters
)
SELECT
    cluster_id,
    clusters.feed_id,
    clusters.name,
    clusters.kind,
    clusters.country_code,
    clusters.region_id,
    region_level(clusters.region_id) AS level,
    region.name AS region_name,
    clusters.place,
    clusters.category_id,
    category_set(clusters.category_id, own.parent_category_id) AS category_set,
    clusters.hub_category_id,
    hub.name AS hub_category_name,
    clusters.product,
    clusters.product_class,
    clusters.themes,
    united.global_cluster_id,
    accepted.time_period,
    array_to_string(accepted.rule_ids, ', ') AS method,
    concat_ws(
        ' ',
        CASE clusters.kind
            WHEN 'cell' THEN 'A region of one level × an activity; regions of other levels may contain it.'
            WHEN 'surveyed' THEN 'Listed by those who surveyed it; no rule on figures was applied.'
            ELSE 'Named in a text; no rule on figures was applied.'
        END,
        CASE
            WHEN category_set(clusters.category_id, own.parent_category_id) = 'eocic, emerging'
                THEN 'Emerging industries overlap the other categories: the two are never to be added.'
            WHEN own.parent_category_id IS NOT NULL
                THEN 'The category is a part of ' || own.parent_category_id || ', which may stand here too.'
        END,
        CASE
            WHEN NOT united.in_total
                THEN 'Not in the total of its country in the census: cells are counted there, and none is linked to it.'
            WHEN united.global_cluster_id IS NOT NULL THEN NULL
            WHEN NOT coalesce(hub.traded, own.traded, true)
                THEN 'Not counted in the census: a local activity, which is everywhere.'
            ELSE 'Not counted in the census: of each country one feed, level, rule and set of categories is.'
        END
    ) AS caveat
FROM accepted
JOIN clusters USING (cluster_id)
LEFT JOIN united USING (cluster_id)
LEFT JOIN regions AS region ON region.region_id = clusters.region_id
LEFT JOIN categories AS hub ON hub.category_id = clusters.hub_category_id
LEFT JOIN categories AS own ON own.category_id = clusters.category_id;

-- How many initiatives of a feed name a body of each IATI organisation type, in which role, and the money that they state:
-- commitments in USD times the stated share of the funding bodies of that type. Where no role is stated, it is null.
CREATE VIEW funding_by_organisation_type AS
WITH told AS (
    SELECT
        feed_id,
        count(*) AS initiatives,
        count(*) FILTER (initiative_id IN (SELECT initiative_id FROM initiative_organisations WHERE role = 'funding'))
            AS with_funder,
        count(*) FILTER (
            initiative_id IN (SELECT initiative_id FROM initiative_organisations WHERE role = 'funding' AND share IS NOT NULL)
            AND commitment_usd_net IS NOT NULL
        ) AS with_amount
    FROM initiatives
    GROUP BY feed_id
)
SELECT
    bodies.feed_id,
    bodies.org_type,
    named.name AS org_type_name,
    bodies.role,
    count(DISTINCT bodies.initiative_id) AS initiatives,
    count(DISTINCT coalesce(bodies.organisation_id, bodies.organisation_name)) AS organisations,
    sum(initiatives.commitment_usd_net * bodies.share ORDER BY bodies.initiative_id, bodies.seq)
        FILTER (bodies.role = 'funding') AS commitment_usd_net,
    'bodies named in an initiative, by IATI type and role; money = net commitment in USD × share of the funding body, of one feed'
        AS method,
    told.with_funder || ' of ' || told.initiatives || ' initiatives of ' || bodies.feed_id || ' name a funding body, '
        || told.with_amount || ' an amount with a share. An initiative with bodies of two types stands in both rows.'
        || CASE WHEN bodies.feed_id = 'paper.facts' THEN ' The types are our reading of the names.' ELSE '' END AS caveat
FROM initiative_organisations AS bodies
JOIN initiatives USING (initiative_id)
JOIN told ON told.feed_id = bodies.feed_id
LEFT JOIN codes AS named ON named.code_list = 'iati_organisation_type' AND named.code = bodies.org_type
GROUP BY ALL
ORDER BY bodies.feed_id, bodies.org_type, bodies.role;

-- What became of every id that was ever published: `current_id` is itself while it is current, else each current id that
-- its successors lead to, null where none does.
CREATE VIEW id_resolution AS
WITH RECURSIVE path AS (
    SELECT id, id AS reached FROM id_ledger
    UNION
    SELECT path.id, unnest(id_ledger.successor_ids) FROM path JOIN id_ledger ON id_ledger.id = path.reached
),
ended AS (
    SELECT path.id, path.reached FROM path JOIN id_ledger ON id_ledger.id = path.reached AND id_ledger.status = 'current'
)
SELECT id_ledger.id, id_ledger.table_name, id_ledger.status, ended.reached AS current_id
FROM id_ledger LEFT JOIN ended ON ended.id = id_ledger.id;

-- How many initiatives of a feed that began in a decade state each objective; the row with a null objective counts those
-- that state none. An initiative with two objectives stands in both rows.
CREATE VIEW initiative_objectives_by_period AS
WITH silent AS (
    SELECT
        feed_id,
        count(*) AS initiatives,
        count(*) FILTER (len(coalesce(objectives, [])) = 0) AS without_objective
    FROM initiatives
    GROUP BY feed_id
)
SELECT
    stated.feed_id,
    stated.period,
    stated.objective,
    count(*) AS initiatives,
    'initiatives by the decade of their start date and by stated objective' AS method,
    silent.without_objective || ' of ' || silent.initiatives || ' initiatives of ' || stated.feed_id
        || ' state no objective; none is inferred.' AS caveat
FROM (
    SELECT
        feed_id,
        coalesce((year(start_date) // 10 * 10)::VARCHAR || 's', 'undated') AS period,
        unnest(CASE WHEN len(coalesce(objectives, [])) = 0 THEN [NULL] ELSE list_distinct(objectives) END) AS objective
    FROM initiatives
) AS stated
JOIN silent ON silent.feed_id = stated.feed_id
GROUP BY ALL
ORDER BY stated.feed_id, stated.period, stated.objective;

-- Initiatives that support clusters, by country, feed, kind and level: how many, since when, and the money that they state, net and gross in USD. Null stands for what is not stated. Feeds are not added: one award may stand in two (`links`).
CREATE VIEW initiatives_by_country AS
WITH same AS (
    SELECT from_id AS initiative_id FROM links WHERE relation = 'same_as'
    UNION
    SELECT to_id FROM links WHERE relation = 'same_as'
)
SELECT
    country_code,
    feed_id,
    kind,
    level,
    count(*) AS initiatives,
    count(*) FILTER (status IS NOT NULL) AS with_status,
    min(year(start_date)) AS first_year,
    max(year(start_date)) AS last_year,
    count(commitment_usd_net) AS with_commitment,
    sum(commitment_usd_net::DECIMAL(18, 2))::DOUBLE AS commitment_usd_net,
    sum(commitment_usd_gross::DECIMAL(18, 2))::DOUBLE AS commitment_usd_gross,
    'rows of initiatives of one feed; money = the sum of the commitments in USD that are stated' AS method,
    concat_ws(
        ' ',
        count(*) - count(commitment_usd_net) || ' of ' || count(*) || ' state no net commitment.',
        CASE WHEN country_code IS NULL THEN 'No country, or several.' END,
        CASE
            WHEN count(*) FILTER (initiative_id IN (SELECT initiative_id FROM same)) > 0
                THEN count(*) FILTER (initiative_id IN (SELECT initiative_id FROM same))
                    || ' of them stand in another row or feed too.'
        END
    ) AS caveat
FROM initiatives
GROUP BY country_code, feed_id, kind, level;

-- Did what was supported grow otherwise than what was not? One row per level, subject and measure: a cluster that an initiative serves, a programme over its clusters, the policy of a country over its programmes. `effect` is the growth from the baseline (the last year before the start) to the follow-up (the first year at least two years after the end), over the median growth of clusters of the same category, level and measure that nothing serves, less 1; null where `reason` says why. No figures of two methods, units, levels of regions or sets of categories are compared or joined in one median.
CREATE VIEW monitoring_evaluation AS
WITH served AS (
    SELECT DISTINCT
        initiative.initiative_id,
        initiative.country_code,
        year(initiative.start_date) AS start_year,
        year(initiative.end_date) AS end_year,
        link.to_id AS cluster_id,
        -- The statistics of a cluster that was surveyed may stand in the cell that it is united with.
        coalesce(member.cluster_id, link.to_id) AS measured_id
    FROM links AS link
    JOIN initiatives AS initiative ON initiative.initiative_id = link.from_id
    LEFT JOIN (SELECT unnest(members) AS cluster_id, members FROM global_clusters) AS united
        ON united.cluster_id = link.to_id
    LEFT JOIN (SELECT unnest(members) AS cluster_id, members FROM global_clusters) AS member
        ON member.members = united.members
    WHERE link.relation IN ('serves', 'supports', 'funds', 'implements')
        AND coalesce(starts_with(link.decision, 'accepted'), true)
),
series AS (
    SELECT
        cluster_id,
        coalesce(cluster.hub_category_id, cluster.category_id) AS category_id,
        cluster.region_id,
        region_level(cluster.region_id) AS level,
        category_set(
            coalesce(cluster.hub_category_id, cluster.category_id), category.parent_category_id
        ) AS category_set,
        indicator,
        unit_kind,
        method,
        unit_measure,
        year(period_end) AS measured_in,
        obs_value
    FROM observations
    JOIN clusters AS cluster USING (cluster_id)
    LEFT JOIN categories AS category
        ON category.category_id = coalesce(cluster.hub_category_id, cluster.category_id)
    WHERE indicator IN (
        'employment', 'employment_reported', 'establishments', 'turnover', 'exports', 'payroll_annual', 'wage_average'
    )
        AND obs_value > 0 AND period_end IS NOT NULL
),
-- Before, during, after, and two years after.
phases AS (
    SELECT
        served.*,
        series.category_id,
        series.region_id,
        series.level,
        series.category_set,
        indicator,
        unit_kind,
        method,
        unit_measure,
        max(measured_in) FILTER (measured_in < start_year) AS baseline_year,
        arg_max(obs_value, measured_in) FILTER (measured_in < start_year) AS baseline,
        arg_max(obs_value, measured_in) FILTER (measured_in BETWEEN start_year AND end_year) AS during,
        arg_min(obs_value, measured_in) FILTER (measured_in > end_year) AS after,
        min(measured_in) FILTER (measured_in >= end_year + 2) AS follow_up_year,
        arg_min(obs_value, measured_in) FILTER (measured_in >= end_year + 2) AS follow_up
    FROM served
    LEFT JOIN series ON series.cluster_id = served.measured_id
    GROUP BY ALL
),
-- What grew elsewhere: clusters of the same category and measure, in regions of the same level, that nothing serves.
elsewhere AS (
    SELECT
        phases.initiative_id,
        phases.measured_id,
        phases.indicator,
        phases.unit_kind,
        phases.method,
        phases.unit_measure,
        count(*) AS comparison_clusters,
        median(later.obs_value / earlier.obs_value) AS comparison_growth
    FROM phases
    JOIN series AS earlier
        ON earlier.category_id = phases.category_id AND earlier.level = phases.level
        AND earlier.region_id <> phases.region_id
        AND earlier.indicator = phases.indicator AND earlier.unit_kind = phases.unit_kind
        AND earlier.method = phases.method AND earlier.unit_measure = phases.unit_measure
        AND earlier.measured_in = phases.baseline_year
    JOIN series AS later
        ON later.cluster_id = earlier.cluster_id AND later.indicator = earlier.indicator
        AND later.unit_kind = earlier.unit_kind AND later.method = earlier.method
        AND later.unit_measure = earlier.unit_measure AND later.measured_in = phases.follow_up_year
    WHERE earlier.cluster_id NOT IN (SELECT measured_id FROM served)
    GROUP BY ALL
),
compared AS (
    SELECT
        phases.*,
        follow_up / baseline AS growth,
        comparison_growth,
        coalesce(comparison_clusters, 0) AS comparison_clusters,
        CASE
            WHEN start_year IS NULL THEN 'no start is stated'
            WHEN end_year IS NULL THEN 'no end is stated'
            WHEN indicator IS NULL THEN 'the cluster has no figures with a period'
            WHEN baseline IS NULL THEN 'no figure from before the start'
            WHEN follow_up IS NULL THEN 'no figure from at least two years after the end'
            WHEN comparison_clusters IS NULL THEN 'no cluster of the category elsewhere has figures of both years'
        END AS reason
    FROM phases
    LEFT JOIN elsewhere USING (initiative_id, measured_id, indicator, unit_kind, method, unit_measure)
    -- That a cluster has no figures is told once, and only where no cell that it is united with has some.
    QUALIFY indicator IS NOT NULL OR (
        count(indicator) OVER (PARTITION BY initiative_id, cluster_id) = 0
        AND row_number() OVER (PARTITION BY initiative_id, cluster_id ORDER BY measured_id) = 1
    )
),
of_cluster AS (
    SELECT *, CASE WHEN reason IS NULL THEN growth / comparison_growth - 1 END AS effect FROM compared
),
summed AS (
    SELECT
        CASE WHEN grouping(initiative_id) = 0 THEN 'programme' ELSE 'policy' END AS level_of_evaluation,
        coalesce(initiative_id, 'country:' || country_code) AS subject_id,
        country_code,
        initiative_id,
        level,
        category_set,
        indicator,
        unit_kind,
        method,
        unit_measure,
        count(DISTINCT cluster_id) AS clusters,
        count(DISTINCT cluster_id) FILTER (reason IS NULL) AS computable,
        sum(comparison_clusters) FILTER (reason IS NULL) AS comparison_clusters,
        median(effect) AS effect,
        mode(reason ORDER BY reason) FILTER (reason IS NOT NULL) AS most_frequent_reason
    FROM of_cluster
    WHERE country_code IS NOT NULL OR initiative_id IS NOT NULL
    GROUP BY GROUPING SETS (
        (initiative_id, country_code, level, category_set, indicator, unit_kind, method, unit_measure),
        (country_code, level, category_set, indicator, unit_kind, method, unit_measure)
    )
)
SELECT
    'cluster' AS level_of_evaluation,
    cluster_id AS subject_id,
    initiative_id,
    country_code,
    level,
    category_set,
    indicator,
    unit_kind,
    method,
    unit_measure,
    baseline_year,
    baseline,
    during,
    after,
    follow_up_year,
    follow_up,
    growth,
    comparison_growth,
    comparison_clusters,
    1 AS clusters,
    (reason IS NULL)::INTEGER AS computable,
    effect,
    reason,
    'A difference of growth is no proof of a cause: who was served was not drawn by lot.' AS caveat
FROM of_cluster
UNION ALL BY NAME
SELECT
    * EXCLUDE (most_frequent_reason),
    CASE WHEN computable = 0 THEN 'none of its clusters is computable, most often: ' || most_frequent_reason END AS reason,
    'The median over its clusters. A difference of growth is no proof of a cause.' AS caveat
FROM summed
UNION ALL BY NAME
SELECT
    'programme' AS level_of_evaluation,
    initiative_id AS subject_id,
    initiative_id,
    country_code,
    0 AS comparison_clusters,
    0 AS clusters,
    0 AS computable,
    'no cluster is linked to it' AS reason,
    'Most initiatives do not say which cluster they serve.' AS caveat
FROM initiatives
WHERE initiative_id NOT IN (SELECT initiative_id FROM served);

-- Every observation that ever held, with the time in which it was valid; valid_to is null while it holds. Two rows of one key are two answers of a source, never to be added.
CREATE VIEW observation_history AS
SELECT
    *,
    CASE
        WHEN valid_to IS NULL THEN 'Holds at the time of the release.'
        ELSE 'A later harvest found another value, or none: it need not have been wrong in its time.'
    END AS caveat
FROM (
    SELECT observations.*, NULL::VARCHAR AS closed_by, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
    FROM observations
    LEFT JOIN harvests USING (harvest_id)
    UNION ALL BY NAME
    FROM observations_closed
);

-- Observations in money, each with its value in USD at the average rate of its period: that of the year or month where one is stated, else the average over the months of the period, such as a fiscal year. `value_usd` is null where `reason` says why. Values of different methods, indicators or unit kinds are not comparable, in USD or not; nothing is added here, and no price level is taken out.
CREATE VIEW observations_usd AS
WITH money AS (
    SELECT
        *,
        split_part(unit_measure, '/', 1) AS currency,
        CASE WHEN regexp_full_match(time_period, '[0-9]{4}') THEN make_date(time_period::INTEGER, 1, 1) ELSE period_start END
            AS first_day,
        CASE WHEN regexp_full_match(time_period, '[0-9]{4}') THEN make_date(time_period::INTEGER, 12, 31) ELSE period_end END
            AS last_day
    FROM observations
    WHERE regexp_full_match(unit_measure, '[A-Z]{3}(/[a-z]+)?')
),
span AS (
    SELECT
        period.currency,
        period.first_day,
        period.last_day,
        sum(month.rate_usd * month.days ORDER BY month.time_period) / sum(month.days) AS rate,
        count(month.time_period) = datediff('month', period.first_day, period.last_day) + 1 AS whole
    FROM (SELECT DISTINCT currency, first_day, last_day FROM money) AS period
    JOIN exchange_rates AS month
        ON month.currency = period.currency AND length(month.time_period) = 7
        AND month.time_period BETWEEN strftime(period.first_day, '%Y-%m') AND strftime(period.last_day, '%Y-%m')
    WHERE day(period.first_day) = 1 AND period.last_day = last_day(period.last_day)
    GROUP BY period.currency, period.first_day, period.last_day
),
held AS (
    SELECT currency, min(time_period) AS since, max(time_period) AS until
    FROM exchange_rates WHERE length(time_period) = 7 GROUP BY currency
),
rated AS (
    SELECT
        money.*,
        CASE
            WHEN money.currency = 'USD' THEN 1
            ELSE coalesce(stated.rate_usd, CASE WHEN span.whole THEN span.rate END)
        END AS rate,
        held.since,
        held.until
    FROM money
    LEFT JOIN exchange_rates AS stated
        ON stated.currency = money.currency AND stated.time_period = money.time_period
    LEFT JOIN span
        ON span.currency = money.currency AND span.first_day = money.first_day AND span.last_day = money.last_day
    LEFT JOIN held ON held.currency = money.currency
)
SELECT
    cluster_id,
    indicator,
    unit_kind,
    time_period,
    method,
    feed_id,
    obs_value,
    unit_measure,
    obs_value * rate AS value_usd,
    regexp_replace(unit_measure, '^[A-Z]{3}', 'USD') AS unit_usd,
    rate,
    CASE
        WHEN currency = 'USD' OR rate IS NULL THEN NULL
        WHEN regexp_full_match(time_period, '[0-9]{4}(-[0-9]{2})?') THEN time_period
        ELSE strftime(first_day, '%Y-%m') || '/' || strftime(last_day, '%Y-%m')
    END AS rate_period,
    obs_status,
    qualifier,
    CASE
        WHEN obs_value IS NULL THEN 'no value (status ' || obs_status || ')'
        WHEN rate IS NOT NULL THEN NULL
        WHEN since IS NULL THEN 'no rates of ' || currency || ' are held'
        WHEN first_day IS NULL OR last_day IS NULL THEN 'the period is not known: ' || time_period
        WHEN day(first_day) <> 1 OR last_day <> last_day(last_day) THEN 'the period is not made of whole months'
        ELSE 'no rate of ' || currency || ' for all of ' || time_period || ': rates are held from ' || since || ' to ' || until
    END AS reason,
    concat_ws(
        ' ',
        'At the average rate of the period; prices differ between countries and years.',
        CASE obs_status
            WHEN 'E' THEN 'The value is estimated or imputed.'
            WHEN 'P' THEN 'The value is provisional.'
        END
    ) AS caveat
FROM rated;

-- How many clusters, projects or units each initiative is stated to reach: one row per statement, as stated, side by side.
-- A cluster that several programmes reach is counted by each, so statements are not added here.
CREATE VIEW programme_reach AS
WITH stated AS (
    SELECT
        initiative_id,
        clusters_covered::DOUBLE AS reach,
        'clusters' AS unit,
        'clusters covered' AS subject,
        'exact' AS qualifier,
        clusters_covered_as_of AS as_of,
        NULL::VARCHAR AS stated_by,
        NULL::VARCHAR AS claim_id,
        citation,
        'the count that the row of the initiative states' AS method
    FROM initiatives
    WHERE clusters_covered IS NOT NULL
    UNION ALL
    SELECT
        initiative_id,
        value,
        unit,
        subject,
        qualifier,
        as_of,
        stated_by,
        claim_id,
        citation,
        'a claim about the initiative'
    FROM claims
    WHERE initiative_id IS NOT NULL AND unit IN ('clusters', 'projects', 'units')
),
silent AS (
    SELECT
        count(*) AS initiatives,
        count(*) FILTER (initiative_id NOT IN (SELECT initiative_id FROM stated)) AS without_reach
    FROM initiatives
)
SELECT
    initiatives.initiative_id,
    initiatives.title,
    initiatives.kind,
    initiatives.country_code,
    stated.subject,
    stated.reach,
    stated.unit,
    stated.qualifier,
    stated.as_of,
    stated.stated_by,
    stated.claim_id,
    stated.citation,
    initiatives.feed_id,
    stated.method,
    'Not to be added: a cluster in two programmes is counted by both, and dates and senses differ. '
        || silent.without_reach || ' of ' || silent.initiatives || ' initiatives state no reach.' AS caveat
FROM stated
JOIN initiatives USING (initiative_id)
CROSS JOIN silent
ORDER BY initiatives.initiative_id, stated.as_of NULLS FIRST, stated.claim_id NULLS FIRST;

-- How every feed stood at the release: whether its last harvest was well, how old its data is, how complete it was.
CREATE VIEW source_health AS
SELECT
    feeds.source_id,
    feeds.feed_id,
    feeds.title,
    sources.status AS source_status,
    feeds.health,
    feeds.last_harvest_id,
    feeds.last_success_at,
    feeds.records_found,
    feeds.records_expected,
    feeds.records_found / nullif(feeds.records_expected, 0) AS completeness,
    'records found over those that a complete harvest has, at the last success: ' || feeds.denominator AS method,
    concat_ws(
        ' ',
        'As of the release; status.json says how it is now.',
        CASE
            WHEN feeds.health = 'never' THEN 'Never harvested.'
            WHEN feeds.records_expected IS NULL THEN 'How many records there should be was not known.'
        END
    ) AS caveat
FROM feeds
LEFT JOIN sources USING (source_id)
ORDER BY feeds.source_id, feeds.feed_id;

-- Strong clusters of all countries side by side, by one method (`cluster_strength`), in the newest period of each feed, level of regions and method of employment. What is strong is so among the regions of its own feed and level: a location quotient here is not to be ranked against one of another feed, level or `employment_method`. Categories of two sets overlap: count within one `category_set`.
CREATE VIEW strong_clusters AS
WITH newest AS (
    FROM cluster_strength
    QUALIFY time_period = max(time_period) OVER (PARTITION BY feed_id, level, employment_method, employment_unit)
)
SELECT
    newest.cluster_id,
    newest.feed_id,
    newest.country_code,
    newest.region_id,
    newest.level,
    region.name AS region_name,
    newest.category_id,
    newest.category_set,
    newest.hub_category_id,
    category.name AS category_name,
    newest.time_period,
    newest.employment,
    newest.establishments,
    newest.location_quotient,
    newest.strong10,
    newest.strong_published,
    newest.peers,
    newest.employment_method,
    newest.employment_unit,
    newest.establishments_method,
    newest.method,
    concat_ws(' ', 'Strong among the regions of its feed and level only.', newest.caveat) AS caveat
FROM newest
LEFT JOIN regions AS region ON region.region_id = newest.region_id
LEFT JOIN categories AS category ON category.category_id = coalesce(newest.hub_category_id, newest.category_id)
WHERE newest.strong;

-- What the U.S. Cluster Mapping Project published beside what is rebuilt from Census data: the same indicator of the same region, category and year, wherever both have a value.
CREATE VIEW us_observed_vs_rebuilt AS
SELECT
    observed_cell.region_id,
    observed_cell.hub_category_id,
    split_part(observed.cluster_id, ':', 2) AS level,
    observed.indicator,
    observed.unit_kind,
    observed.time_period,
    observed.obs_value AS observed,
    rebuilt.obs_value AS rebuilt,
    rebuilt.obs_value - observed.obs_value AS difference,
    (rebuilt.obs_value - observed.obs_value) / nullif(observed.obs_value, 0) AS relative_difference,
    observed.unit_measure,
    observed.method AS observed_method,
    rebuilt.method AS rebuilt_method,
    concat_ws(
        ' ',
        'Two methods side by side: the difference tells of the methods, not of the world.',
        CASE WHEN observed.obs_status = 'E' THEN 'The observed value is estimated or imputed.' END,
        CASE WHEN rebuilt.obs_status = 'E' THEN 'The rebuilt value is estimated or imputed.' END
    ) AS caveat
FROM observations AS observed
JOIN clusters AS observed_cell ON observed_cell.cluster_id = observed.cluster_id
JOIN clusters AS rebuilt_cell
    ON rebuilt_cell.region_id = observed_cell.region_id
    AND rebuilt_cell.hub_category_id = observed_cell.hub_category_id
    AND rebuilt_cell.feed_id = 'us.cbp'
JOIN observations AS rebuilt
    ON rebuilt.cluster_id = rebuilt_cell.cluster_id
    AND rebuilt.indicator = observed.indicator
    AND rebuilt.unit_kind = observed.unit_kind
    AND rebuilt.unit_measure = observed.unit_measure
    AND rebuilt.time_period = observed.time_period
WHERE observed.feed_id = 'us.clustermapping' AND observed.obs_value IS NOT NULL AND rebuilt.obs_value IS NOT NULL;

-- How near what is rebuilt from Census data comes to what the U.S. Cluster Mapping Project published, by indicator, level and pair of methods; n = 0 where both have no value in common.
CREATE VIEW us_rebuild_report AS
SELECT
    indicator,
    level,
    observed_method,
    rebuilt_method,
    unit_kind,
    unit_measure,
    coalesce(n, 0) AS n,
    correlation,
    median_relative_difference,
    share_within_5_percent,
    flags_alike,
    CASE
        WHEN coalesce(n, 0) = 0 THEN 'No value in common.'
        ELSE 'Differences of method; states, areas and counties contain each other, so levels are not to be added.'
    END AS caveat
FROM (
    SELECT indicator, level, 100 * indicator_order + level_order AS place
    FROM
        (
            SELECT *
            FROM (
                VALUES
                (1, 'employment'), (2, 'employment_reported'), (3, 'establishments'), (4, 'payroll_annual'),
                (5, 'payroll_first_quarter'), (6, 'wage_average'), (7, 'location_quotient'), (8, 'region_share'),
                (9, 'category_share'), (10, 'qualifying'), (11, 'significant'), (12, 'strong'), (13, 'strong10')
            ) AS listed (indicator_order, indicator)
        ),
        (
            SELECT *
            FROM (VALUES (1, 'country'), (2, 'state'), (3, 'economic'), (4, 'msa'), (5, 'county'))
                AS listed (level_order, level)
        )
) AS wanted
LEFT JOIN (
    SELECT
        indicator,
        level,
        observed_method,
        rebuilt_method,
        unit_kind,
        unit_measure,
        count(*) AS n,
        -- There is none where all values of one side are equal, as every quotient of the country is 1.
        CASE WHEN bool_or(unit_measure <> 'boolean') AND isfinite(corr(rebuilt, observed)) THEN corr(rebuilt, observed)
        END AS correlation,
        CASE WHEN bool_or(unit_measure <> 'boolean') THEN median(relative_difference) END AS median_relative_difference,
        CASE
            WHEN bool_or(unit_measure <> 'boolean') THEN avg((abs(difference) <= 0.05 * abs(observed))::INTEGER)
        END AS share_within_5_percent,
        CASE WHEN bool_and(unit_measure = 'boolean') THEN avg((rebuilt = observed)::INTEGER) END AS flags_alike
    FROM us_observed_vs_rebuilt
    GROUP BY ALL
) AS compared USING (indicator, level)
ORDER BY place, observed_method, rebuilt_method;
