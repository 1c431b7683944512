-- The same for customers; what of the file was refused is in the ledger by now.
SELECT code, count(*), min(line) FROM refused_customer WHERE file = :file GROUP BY code;
