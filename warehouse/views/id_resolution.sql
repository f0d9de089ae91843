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
