CREATE TABLE stock (sku TEXT, pieces INTEGER, price NUMERIC, sold_at TIMESTAMP, active BOOLEAN);
INSERT INTO stock VALUES ('사과', 12, '1500.50', '2026-11-22 09:00:00', 1), ('pear', 9007199254740993, 0.1, NULL, 0), ('fig', NULL, 'n/a', NULL, NULL);
