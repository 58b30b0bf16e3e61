package rules_test

import (
	"fmt"

	"github.com/bongsu/bongsu/rules"
)

func ExampleCheck() {
	err := rules.Check("shop.yml", []byte(`groups:
  - name: shop
    rules:
      - alert: ShopOrdersStuck
        expr: summ(shop_orders{state="stuck"}) > 5
        annotations:
          summary: '{{ $value | humanise }} orders are stuck.'
`))
	fmt.Println(err)
	// Output:
	// shop.yml:5: alert "ShopOrdersStuck": expr: at 1:1: unknown function with name "summ", did you mean "sum"?
	// shop.yml:7: alert "ShopOrdersStuck": annotation "summary": function "humanise" not defined, did you mean "humanize"?
}
