-- What the join found: flag 16, the customer is to be skipped; 32, a further card of its customer; or a problem.
UPDATE stage_card SET flags = flags | :flags, joined = :joined WHERE record = :record;
