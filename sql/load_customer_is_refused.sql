SELECT EXISTS (SELECT 1 FROM refused_customer WHERE customer_id = :customer_id);
