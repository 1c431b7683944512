-- A refused record gives way to any newer record of its number, or to itself in a newer file.
DELETE FROM refused_customer
WHERE customer_id IN (SELECT number FROM staged_customer)
   OR mark IN (SELECT mark FROM stage_customer WHERE mark IS NOT NULL);
