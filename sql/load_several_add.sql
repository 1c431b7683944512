INSERT INTO several (customer_id, account_id) VALUES (:customer_id, :account_id);
