SELECT count(*) FROM refused_customer;
