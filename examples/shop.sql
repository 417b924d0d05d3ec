-- What `make demo` asks of demo/demo.sqlite: questions that a DynamoDB table has to be designed for beforehand.

SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY orders DESC;

SELECT c.name, c.address_city AS city, count(*) AS orders
FROM customer_profiles c JOIN orders o USING (customer_id)
GROUP BY c.customer_id ORDER BY orders DESC, c.name LIMIT 5;

SELECT o.order_id, l.sku, l.qty, l.price
FROM orders o JOIN order_lines l USING (customer_id, order_id)
WHERE o.status = 'RETURNED' ORDER BY o.order_id, l.ordinal LIMIT 5;
