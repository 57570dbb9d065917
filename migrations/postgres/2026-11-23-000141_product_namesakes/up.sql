-- Products of a till's menu that have the name of another one: the menu has each name once, and lines of receipts that come with
-- the till's id still find their category.
CREATE TABLE product_namesakes (
    network_id BIGINT NOT NULL,
    venue_id BIGINT NOT NULL,
    external_id TEXT NOT NULL,
    category_id TEXT,
    PRIMARY KEY (network_id, venue_id, external_id)
);
