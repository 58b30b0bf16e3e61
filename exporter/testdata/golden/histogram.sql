CREATE TABLE checkouts (shop, fast, slow, all_of_them, total);
INSERT INTO checkouts VALUES ('서울', 10, 14, 15, 12.5), ('busan', 0, 0, 0, 0), ('daegu', 5, 3, 9, 1), ('jeju', 5, 6, 'many', 1);
CREATE TABLE baskets (pieces, n);
INSERT INTO baskets VALUES (1, 4), (10, 2), (5, 3);
