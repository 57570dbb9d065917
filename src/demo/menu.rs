//! What the demo's venues sell.

/// A category of a till.
#[derive(Debug, Clone, Copy)]
pub struct CategoryPlan {
    /// The till's id of it.
    pub till_id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its coefficient, if it has one.
    pub coefficient: Option<&'static str>,
    /// Whether bonuses may pay for it.
    pub redeemable: bool,
    /// How often something of it is bought.
    pub weight: u32,
    /// Name, price in roubles, and coefficient, if it has one.
    pub products: &'static [(&'static str, i64, Option<&'static str>)],
}

const fn category(
    till_id: &'static str,
    name: &'static str,
    weight: u32,
    products: &'static [(&'static str, i64, Option<&'static str>)],
) -> CategoryPlan {
    CategoryPlan {
        till_id,
        name,
        coefficient: None,
        redeemable: true,
        weight,
        products,
    }
}

impl CategoryPlan {
    const fn times(self, coefficient: &'static str) -> Self {
        CategoryPlan {
            coefficient: Some(coefficient),
            ..self
        }
    }

    const fn not_for_bonuses(self) -> Self {
        CategoryPlan {
            redeemable: false,
            ..self
        }
    }
}

/// The restaurant: r_keeper names categories by GUID.
pub const RESTAURANT: &[CategoryPlan] = &[
    category(
        "CA7E0000-0000-4000-8000-000000000001",
        "Салаты и закуски",
        14,
        &[
            ("Оливье с ростбифом", 490, None),
            ("Цезарь с курицей", 560, None),
            ("Винегрет", 340, None),
            ("Сельдь под шубой", 420, None),
            ("Тартар из говядины", 790, None),
            ("Брускетта с томатами", 380, None),
        ],
    ),
    category(
        "CA7E0000-0000-4000-8000-000000000002",
        "Супы",
        12,
        &[
            ("Борщ", 450, None),
            ("Уха по-царски", 620, None),
            ("Солянка мясная", 520, None),
            ("Грибной крем-суп", 430, None),
        ],
    ),
    category(
        "CA7E0000-0000-4000-8000-000000000003",
        "Горячее",
        20,
        &[
            ("Стейк рибай", 2450, Some("1.5")),
            ("Котлета по-киевски", 690, None),
            ("Бефстроганов", 890, None),
            ("Утка с яблоками", 1280, Some("1.5")),
            ("Лосось на гриле", 1450, None),
            ("Пельмени домашние", 540, None),
            ("Паста карбонара", 640, None),
            ("Ризотто с грибами", 680, None),
        ],
    ),
    category(
        "CA7E0000-0000-4000-8000-000000000004",
        "Десерты",
        9,
        &[
            ("Медовик", 390, None),
            ("Наполеон", 380, None),
            ("Чизкейк", 420, None),
            ("Мороженое, три шарика", 290, None),
        ],
    )
    .times("2"),
    category(
        "CA7E0000-0000-4000-8000-000000000005",
        "Напитки",
        18,
        &[
            ("Морс клюквенный", 210, None),
            ("Лимонад домашний", 290, None),
            ("Чай в чайнике", 320, None),
            ("Эспрессо", 160, None),
            ("Капучино", 240, None),
            ("Вода без газа", 180, None),
        ],
    ),
    category(
        "CA7E0000-0000-4000-8000-000000000006",
        "Вино и крепкое",
        8,
        &[
            ("Вино красное, бокал", 520, None),
            ("Вино белое, бокал", 490, None),
            ("Игристое, бутылка", 2900, None),
            ("Настойка, 50 мл", 280, None),
            ("Пиво светлое, 0,5 л", 360, None),
        ],
    )
    .times("0.5")
    .not_for_bonuses(),
    category(
        "CA7E0000-0000-4000-8000-000000000007",
        "Табак",
        1,
        &[("Сигареты, пачка", 290, None)],
    )
    .times("0")
    .not_for_bonuses(),
];

/// The café with delivery.
pub const CAFE: &[CategoryPlan] = &[
    category(
        "coffee",
        "Кофе",
        26,
        &[
            ("Капучино", 190, None),
            ("Латте", 210, None),
            ("Эспрессо", 130, None),
            ("Американо", 150, None),
            ("Флэт уайт", 220, None),
            ("Раф ванильный", 260, Some("1.2")),
            ("Какао", 200, None),
        ],
    )
    .times("1.5"),
    category(
        "tea",
        "Чай",
        7,
        &[
            ("Чай чёрный", 140, None),
            ("Чай зелёный", 140, None),
            ("Облепиховый чай", 230, None),
        ],
    ),
    category(
        "lunch",
        "Бизнес-ланч",
        12,
        &[
            ("Бизнес-ланч", 420, None),
            ("Бизнес-ланч большой", 540, None),
            ("Суп дня", 230, None),
        ],
    ),
    category(
        "breakfast",
        "Завтраки",
        9,
        &[
            ("Сырники", 340, None),
            ("Овсяная каша", 220, None),
            ("Омлет с сыром", 290, None),
            ("Шакшука", 380, None),
        ],
    ),
    category(
        "bakery",
        "Выпечка",
        14,
        &[
            ("Круассан", 170, None),
            ("Круассан миндальный", 240, None),
            ("Булочка с корицей", 190, None),
            ("Пирожок с капустой", 110, None),
            ("Хачапури", 360, None),
        ],
    ),
    category(
        "dessert",
        "Десерты",
        8,
        &[
            ("Чизкейк", 320, None),
            ("Морковный торт", 310, None),
            ("Эклер", 180, None),
            ("Картошка", 150, None),
        ],
    ),
    category(
        "pizza",
        "Пицца",
        9,
        &[
            ("Пицца Маргарита", 590, None),
            ("Пицца Пепперони", 690, None),
            ("Пицца Четыре сыра", 740, None),
        ],
    ),
    category("delivery", "Доставка", 0, &[("Доставка", 190, None)])
        .times("0")
        .not_for_bonuses(),
];

/// The shop: 1C names groups of goods by GUID.
pub const SHOP: &[CategoryPlan] = &[
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0110",
        "Кофе в зёрнах и молотый",
        12,
        &[
            ("Кофе Бразилия в зёрнах, 1 кг", 1590, None),
            ("Кофе Эфиопия в зёрнах, 250 г", 690, Some("2")),
            ("Кофе Колумбия молотый, 250 г", 590, None),
            ("Дрип-кофе, 10 шт.", 520, None),
        ],
    ),
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0111",
        "Чай и травы",
        9,
        &[
            ("Иван-чай, 100 г", 290, None),
            ("Чай Ассам, 200 г", 410, None),
            ("Улун молочный, 100 г", 480, None),
            ("Мята сушёная, 50 г", 150, None),
        ],
    ),
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0112",
        "Сладости",
        14,
        &[
            ("Пастила яблочная", 320, None),
            ("Шоколад горький, 100 г", 260, None),
            ("Мёд липовый, 500 г", 540, None),
            ("Варенье из шишек", 390, None),
            ("Печенье овсяное", 180, None),
            ("Зефир", 210, None),
        ],
    )
    .times("1.5"),
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0113",
        "Сыр и молочное",
        12,
        &[
            ("Сыр выдержанный, 300 г", 620, None),
            ("Сыр козий, 150 г", 480, None),
            ("Масло сливочное, 180 г", 240, None),
            ("Творог, 400 г", 260, None),
            ("Сметана, 300 г", 190, None),
        ],
    ),
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0114",
        "Посуда",
        4,
        &[
            ("Кружка керамическая", 690, None),
            ("Турка медная", 2190, None),
            ("Чайник заварочный", 1490, None),
            ("Воронка для кофе", 890, None),
        ],
    ),
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0115",
        "Подарочные карты",
        1,
        &[
            ("Подарочная карта 1000", 1000, None),
            ("Подарочная карта 3000", 3000, None),
        ],
    )
    .times("0")
    .not_for_bonuses(),
    category(
        "6a718293-90ab-11f0-8d3a-00155d0a0116",
        "Пакеты",
        4,
        &[("Пакет бумажный", 25, None)],
    )
    .times("0"),
];
