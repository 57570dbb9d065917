-- Why nobody has to see to a message though it was refused: turned-away (at the door), answered (the asker went on
-- without it), dismissed (a person is done with it). Null: a refused or unreadable one waits for a person.
ALTER TABLE messages ADD COLUMN needs_nobody TEXT;
-- Why a message was refused at first, where doing it again failed for another reason, which stands in detail.
ALTER TABLE messages ADD COLUMN first_detail TEXT;
UPDATE messages SET needs_nobody = 'turned-away', code = 'unauthorized'
    WHERE outcome = 'refused' AND connection_id IS NOT NULL AND code IS NULL AND detail LIKE 'unauthorized: %';
UPDATE messages SET needs_nobody = 'turned-away', code = 'foreign-address'
    WHERE outcome = 'refused' AND connection_id IS NOT NULL AND code IS NULL AND detail LIKE 'foreign-address: %';
