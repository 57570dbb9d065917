DROP TABLE product_namesakes;
